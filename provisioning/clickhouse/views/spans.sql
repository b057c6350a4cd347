-- Spans out of OTLP requests. A span that ends before it starts, or more than 30 days after, has no duration
-- that can be believed (a time was left out, or a clock was wrong): it is 0 and flagged.
--: signal = traces
--: kind = spans
--: items = spans
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_view {on_cluster} TO {database}.spans AS
WITH
    {values},
    `x.start_time_unix_nano` AS start_ns,
    `x.end_time_unix_nano` AS end_ns,
    toUInt64(end_ns - start_ns) AS elapsed_ns,
    end_ns < start_ns OR elapsed_ns > 30 * 86400 * 1000000000 AS is_absurd,
    ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] AS kinds
SELECT
    {row_columns},
    instant(start_ns) AS time,
    if(is_absurd, 0, elapsed_ns) AS duration_ns,
    toUInt8(is_absurd) AS duration_flag,
    id_16(`x.trace_id`) AS trace_id,
    id_8(`x.span_id`) AS span_id,
    id_8(`x.parent_span_id`) AS parent_span_id,
    `x.trace_state` AS trace_state,
    `x.name` AS name,
    transform(`x.kind`, [0, 1, 2, 3, 4, 5], kinds, toString(`x.kind`)) AS kind,
    transform(`x.status.code`, [0, 1, 2], ['unset', 'ok', 'error'], toString(`x.status.code`)) AS status,
    `x.status.message` AS status_message,
    strings(`x.attributes`) AS attrs,
    type_codes(`x.attributes`) AS attr_types,
    `x.dropped_attributes_count` AS dropped_attrs,
    arrayMap(y -> instant(y), `x.events.time_unix_nano`) AS `events.time`,
    `x.events.name` AS `events.name`,
    arrayMap(y -> strings(y), `x.events.attributes`) AS `events.attrs`,
    arrayMap(y -> type_codes(y), `x.events.attributes`) AS `events.attr_types`,
    `x.events.dropped_attributes_count` AS `events.dropped_attrs`,
    `x.dropped_events_count` AS dropped_events,
    arrayMap(y -> id_16(y), `x.links.trace_id`) AS `links.trace_id`,
    arrayMap(y -> id_8(y), `x.links.span_id`) AS `links.span_id`,
    `x.links.trace_state` AS `links.trace_state`,
    arrayMap(y -> strings(y), `x.links.attributes`) AS `links.attrs`,
    arrayMap(y -> type_codes(y), `x.links.attributes`) AS `links.attr_types`,
    `x.links.dropped_attributes_count` AS `links.dropped_attrs`,
    `x.links.flags` AS `links.flags`,
    `x.dropped_links_count` AS dropped_links,
    `x.flags` AS flags,
    {resource_columns}, {scope_columns}
FROM
(
--: include definitions/otlp_items.sql
) AS h
ARRAY JOIN {arrays};
