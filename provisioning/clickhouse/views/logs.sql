-- Log records out of OTLP requests. A record without a time has that of its observation, else that of its
-- receipt. A record without a severity number has that of the first word of its severity text, if it is one of
-- these; the least number of OpenTelemetry's level, or with a digit behind the name the number it names.
--: severities = trace 1, trc 1, verbose 1, finest 1, finer 1, debug 5, dbg 5, dbug 5, fine 5, config 5, info 9,
--:     inf 9, information 9, informational 9, notice 10, success 9, warn 13, wrn 13, warning 13, error 17, err 17,
--:     eror 17, severe 17, failure 17, fatal 21, ftl 21, critical 21, crit 21, alert 21, emergency 21, emerg 21,
--:     panic 21, dpanic 21, t 1, d 5, i 9, n 10, w 13, e 17, f 21, c 21
--: exact_severities = trace 1, debug 5, info 9, warn 13, error 17, fatal 21
--: names = ['{name}' for name number in {severities}]
--: numbers = [{number} for name number in {severities}]
--: numbered_names = ['{name}1', '{name}2', '{name}3', '{name}4' for name number in {exact_severities}]
--: numbered = [{number}, {number} + 1, {number} + 2, {number} + 3 for name number in {exact_severities}]
--: signal = logs
--: kind = logs
--: items = log_records
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.logs_view {on_cluster} TO {database}.logs AS
WITH
    {values},
    (x -> transform(lower(extract(x, '[A-Za-z]+[1-4]?')), [{names}, {numbered_names}], [{numbers}, {numbered}], 0))
        AS severity_of
SELECT
    {row_columns},
    multiIf(
        `x.time_unix_nano` != 0, instant(`x.time_unix_nano`),
        `x.observed_time_unix_nano` != 0, instant(`x.observed_time_unix_nano`),
        toDateTime64(received_at, 9, 'UTC')) AS time,
    instant(`x.observed_time_unix_nano`) AS observed_time,
    if(`x.severity_number` = 0 AND `x.severity_text` != '', severity_of(`x.severity_text`), `x.severity_number`)
        AS severity_number,
    `x.severity_text` AS severity_text,
    text(`x.body`) AS body,
    `x.event_name` AS event_name,
    id_16(`x.trace_id`) AS trace_id,
    id_8(`x.span_id`) AS span_id,
    `x.flags` AS flags,
    strings(`x.attributes`) AS attrs,
    type_codes(`x.attributes`) AS attr_types,
    `x.dropped_attributes_count` AS dropped_attrs,
    {resource_columns}, {scope_columns}
FROM
(
--: include definitions/otlp_items.sql
) AS h
ARRAY JOIN {arrays};
