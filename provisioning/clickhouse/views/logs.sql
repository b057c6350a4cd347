-- Log records out of OTLP requests. A record without a time has that of its observation, else that of its
-- receipt.
--: signal = logs
--: kind = logs
--: items = log_records
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.logs_view {on_cluster} TO {database}.logs AS
WITH {values}
SELECT
    {row_columns},
    multiIf(
        `x.time_unix_nano` != 0, instant(`x.time_unix_nano`),
        `x.observed_time_unix_nano` != 0, instant(`x.observed_time_unix_nano`),
        toDateTime64(received_at, 9, 'UTC')) AS time,
    instant(`x.observed_time_unix_nano`) AS observed_time,
    `x.severity_number` AS severity_number,
    `x.severity_text` AS severity_text,
    body_text(`x.body`) AS body,
    `x.event_name` AS event_name,
    id_16(`x.trace_id`) AS trace_id,
    id_8(`x.span_id`) AS span_id,
    `x.flags` AS flags,
    strings(`x.attributes`) AS attrs,
    `x.dropped_attributes_count` AS dropped_attrs,
    {resource_columns}, {scope_columns}
FROM
(
--: include views/otlp_items.sql
) AS h
ARRAY JOIN {arrays};
