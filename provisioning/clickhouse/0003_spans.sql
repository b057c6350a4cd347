-- Spans: the input table, the raw rows, and the view between them.
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- The input has one column for each field of the protobuf (seamark/wire/envelope.proto), as deep in
-- arrays as the field is in repeated messages: one column of nested tuples would do too, but its type
-- is then copied and compared at every step, which made an insert three times as dear. In an AnyValue,
-- a member that is not set is NULL, or an empty array.
--: any_0 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Nullable(String), kvlist_value Nullable(String))
--: any_1 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_0})), kvlist_value Tuple(values Array(Tuple(key String, value {any_0}))))
--: attributes = Array(Tuple(key String, value {any_1}))

CREATE TABLE IF NOT EXISTS {database}.in_traces {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt String,
    received_ns UInt64,
    key_id String,
    weight Float64,
    outcome Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32, limited UInt32),
    `traces.resource_spans.resource.attributes` Array({attributes}),
    `traces.resource_spans.resource.dropped_attributes_count` Array(UInt32),
    `traces.resource_spans.schema_url` Array(String),
    `traces.resource_spans.scope_spans.scope.name` Array(Array(String)),
    `traces.resource_spans.scope_spans.scope.version` Array(Array(String)),
    `traces.resource_spans.scope_spans.scope.attributes` Array(Array({attributes})),
    `traces.resource_spans.scope_spans.scope.dropped_attributes_count` Array(Array(UInt32)),
    `traces.resource_spans.scope_spans.schema_url` Array(Array(String)),
    `traces.resource_spans.scope_spans.spans.trace_id` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.span_id` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.trace_state` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.parent_span_id` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.name` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.kind` Array(Array(Array(Int32))),
    `traces.resource_spans.scope_spans.spans.start_time_unix_nano` Array(Array(Array(UInt64))),
    `traces.resource_spans.scope_spans.spans.end_time_unix_nano` Array(Array(Array(UInt64))),
    `traces.resource_spans.scope_spans.spans.attributes` Array(Array(Array({attributes}))),
    `traces.resource_spans.scope_spans.spans.dropped_attributes_count` Array(Array(Array(UInt32))),
    `traces.resource_spans.scope_spans.spans.events.time_unix_nano` Array(Array(Array(Array(UInt64)))),
    `traces.resource_spans.scope_spans.spans.events.name` Array(Array(Array(Array(String)))),
    `traces.resource_spans.scope_spans.spans.events.attributes` Array(Array(Array(Array({attributes})))),
    `traces.resource_spans.scope_spans.spans.events.dropped_attributes_count` Array(Array(Array(Array(UInt32)))),
    `traces.resource_spans.scope_spans.spans.dropped_events_count` Array(Array(Array(UInt32))),
    `traces.resource_spans.scope_spans.spans.links.trace_id` Array(Array(Array(Array(String)))),
    `traces.resource_spans.scope_spans.spans.links.span_id` Array(Array(Array(Array(String)))),
    `traces.resource_spans.scope_spans.spans.links.trace_state` Array(Array(Array(Array(String)))),
    `traces.resource_spans.scope_spans.spans.links.attributes` Array(Array(Array(Array({attributes})))),
    `traces.resource_spans.scope_spans.spans.links.dropped_attributes_count` Array(Array(Array(Array(UInt32)))),
    `traces.resource_spans.scope_spans.spans.links.flags` Array(Array(Array(Array(UInt32)))),
    `traces.resource_spans.scope_spans.spans.dropped_links_count` Array(Array(Array(UInt32))),
    `traces.resource_spans.scope_spans.spans.status.message` Array(Array(Array(String))),
    `traces.resource_spans.scope_spans.spans.status.code` Array(Array(Array(Int32))),
    `traces.resource_spans.scope_spans.spans.flags` Array(Array(Array(UInt32)))
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS {database}.spans {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt UUID,
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    weight Float64,
    time DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    duration_ns UInt64,
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    trace_state String,
    name LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    status_message String,
    service LowCardinality(String),
    attrs Map(LowCardinality(String), String),
    dropped_attrs UInt32,
    events Nested(time DateTime64(9, 'UTC'), name LowCardinality(String), attrs Map(LowCardinality(String), String), dropped_attrs UInt32),
    dropped_events UInt32,
    links Nested(trace_id FixedString(16), span_id FixedString(8), trace_state String, attrs Map(LowCardinality(String), String), dropped_attrs UInt32, flags UInt32),
    dropped_links UInt32,
    flags UInt32,
    resource_attrs Map(LowCardinality(String), String),
    resource_dropped_attrs UInt32,
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attrs Map(LowCardinality(String), String),
    scope_dropped_attrs UInt32,
    scope_schema_url LowCardinality(String),
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, service, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- `text` is an attribute as it is stored: a string as it is, a number or a boolean in figures, bytes
-- in base64, an array or a list as JSON, in which bytes, and whatever is nested too deep (the bytes of
-- its message), are base64, and NaN and infinity are strings. An empty array, an empty list and no
-- value are all ''.
-- Ids of a wrong length are cut or padded with zeros; times past 2262 become its last instant.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_view {on_cluster} TO {database}.spans AS
WITH
    (x -> replaceAll(toJSONString(x), '\\/', '/')) AS quoted,
    (x -> if(isFinite(x), toString(x), concat('"', toString(x), '"'))) AS number,
    (x -> concat('"', base64Encode(x), '"')) AS base64,
    (x -> coalesce(toString(x.int_value), number(x.double_value), toString(x.bool_value),
        base64(coalesce(x.bytes_value, x.array_value, x.kvlist_value)), quoted(x.string_value), 'null')) AS json_0,
    (x -> concat('[', arrayStringConcat(arrayMap(y -> json_0(y), x), ','), ']')) AS array_1,
    (x -> concat('{', arrayStringConcat(arrayMap(y -> concat(quoted(y.key), ':', json_0(y.value)), x), ','), '}')) AS list_1,
    (x -> if(notEmpty(x.array_value.values), array_1(x.array_value.values),
        if(notEmpty(x.kvlist_value.values), list_1(x.kvlist_value.values), NULL))) AS nested_1,
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_1(x), '')) AS text,
    (x -> CAST((x.key, arrayMap(y -> text(y), x.value)), 'Map(LowCardinality(String), String)')) AS strings,
    (x -> fromUnixTimestamp64Nano(toInt64(least(x, 9223372036854775807)), 'UTC')) AS instant,
    (x -> toFixedString(substring(x, 1, 16), 16)) AS id_16,
    (x -> toFixedString(substring(x, 1, 8), 8)) AS id_8
SELECT
    org, app, receipt, received_at, weight,
    instant(x_start_time_unix_nano) AS time,
    x_end_time_unix_nano - least(x_start_time_unix_nano, x_end_time_unix_nano) AS duration_ns,
    id_16(x_trace_id) AS trace_id,
    id_8(x_span_id) AS span_id,
    id_8(x_parent_span_id) AS parent_span_id,
    x_trace_state AS trace_state,
    x_name AS name,
    transform(x_kind, [0, 1, 2, 3, 4, 5], ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'], toString(x_kind)) AS kind,
    transform(x_status_code, [0, 1, 2], ['unset', 'ok', 'error'], toString(x_status_code)) AS status,
    x_status_message AS status_message,
    service,
    strings(x_attributes) AS attrs,
    x_dropped_attributes_count AS dropped_attrs,
    arrayMap(y -> instant(y), x_events_time_unix_nano) AS `events.time`,
    x_events_name AS `events.name`,
    arrayMap(y -> strings(y), x_events_attributes) AS `events.attrs`,
    x_events_dropped_attributes_count AS `events.dropped_attrs`,
    x_dropped_events_count AS dropped_events,
    arrayMap(y -> id_16(y), x_links_trace_id) AS `links.trace_id`,
    arrayMap(y -> id_8(y), x_links_span_id) AS `links.span_id`,
    x_links_trace_state AS `links.trace_state`,
    arrayMap(y -> strings(y), x_links_attributes) AS `links.attrs`,
    x_links_dropped_attributes_count AS `links.dropped_attrs`,
    x_links_flags AS `links.flags`,
    x_dropped_links_count AS dropped_links,
    x_flags AS flags,
    resource_attrs, resource_dropped_attrs, resource_schema_url,
    scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url
FROM
(
    SELECT
        org, app, receipt, received_at, weight, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url,
        scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
        x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
        x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
        x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
        x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
        x_status_code, x_flags
    FROM
    (
        SELECT
            org, app, toUUIDOrZero(i.receipt) AS receipt, weight,
            fromUnixTimestamp64Milli(toInt64(intDiv(least(received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
            strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
            resource_dropped_attrs, resource_schema_url,
            scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url,
            x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
            x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
            x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
            x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
            x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
            x_status_code, x_flags
        FROM {database}.in_traces AS i
        ARRAY JOIN
            `traces.resource_spans.resource.attributes` AS r_attributes,
            `traces.resource_spans.resource.dropped_attributes_count` AS resource_dropped_attrs,
            `traces.resource_spans.schema_url` AS resource_schema_url,
            `traces.resource_spans.scope_spans.scope.name` AS scope_name,
            `traces.resource_spans.scope_spans.scope.version` AS scope_version,
            `traces.resource_spans.scope_spans.scope.attributes` AS s_attributes,
            `traces.resource_spans.scope_spans.scope.dropped_attributes_count` AS scope_dropped_attrs,
            `traces.resource_spans.scope_spans.schema_url` AS scope_schema_url,
            `traces.resource_spans.scope_spans.spans.trace_id` AS x_trace_id,
            `traces.resource_spans.scope_spans.spans.span_id` AS x_span_id,
            `traces.resource_spans.scope_spans.spans.trace_state` AS x_trace_state,
            `traces.resource_spans.scope_spans.spans.parent_span_id` AS x_parent_span_id,
            `traces.resource_spans.scope_spans.spans.name` AS x_name,
            `traces.resource_spans.scope_spans.spans.kind` AS x_kind,
            `traces.resource_spans.scope_spans.spans.start_time_unix_nano` AS x_start_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.end_time_unix_nano` AS x_end_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.attributes` AS x_attributes,
            `traces.resource_spans.scope_spans.spans.dropped_attributes_count` AS x_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.events.time_unix_nano` AS x_events_time_unix_nano,
            `traces.resource_spans.scope_spans.spans.events.name` AS x_events_name,
            `traces.resource_spans.scope_spans.spans.events.attributes` AS x_events_attributes,
            `traces.resource_spans.scope_spans.spans.events.dropped_attributes_count` AS x_events_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.dropped_events_count` AS x_dropped_events_count,
            `traces.resource_spans.scope_spans.spans.links.trace_id` AS x_links_trace_id,
            `traces.resource_spans.scope_spans.spans.links.span_id` AS x_links_span_id,
            `traces.resource_spans.scope_spans.spans.links.trace_state` AS x_links_trace_state,
            `traces.resource_spans.scope_spans.spans.links.attributes` AS x_links_attributes,
            `traces.resource_spans.scope_spans.spans.links.dropped_attributes_count` AS x_links_dropped_attributes_count,
            `traces.resource_spans.scope_spans.spans.links.flags` AS x_links_flags,
            `traces.resource_spans.scope_spans.spans.dropped_links_count` AS x_dropped_links_count,
            `traces.resource_spans.scope_spans.spans.status.message` AS x_status_message,
            `traces.resource_spans.scope_spans.spans.status.code` AS x_status_code,
            `traces.resource_spans.scope_spans.spans.flags` AS x_flags
    ) AS g
    ARRAY JOIN
        scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url, x_trace_id,
        x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
        x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
        x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
        x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
        x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
        x_status_code, x_flags
) AS h
ARRAY JOIN
    x_trace_id, x_span_id, x_trace_state, x_parent_span_id, x_name, x_kind, x_start_time_unix_nano,
    x_end_time_unix_nano, x_attributes, x_dropped_attributes_count, x_events_time_unix_nano,
    x_events_name, x_events_attributes, x_events_dropped_attributes_count, x_dropped_events_count,
    x_links_trace_id, x_links_span_id, x_links_trace_state, x_links_attributes,
    x_links_dropped_attributes_count, x_links_flags, x_dropped_links_count, x_status_message,
    x_status_code, x_flags;
