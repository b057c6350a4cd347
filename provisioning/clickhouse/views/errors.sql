-- Occurrences are native events with an `exception.type` or named `exception` or `error`, span events named
-- `exception`, and log records with an `exception.type`.
-- Deciding what is an error is all that is done for other rows. `mapContains` looks at keys alone; asking for
-- the value takes ten times as long. An empty type is left to the question.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_events_view {on_cluster} TO {database}.errors AS
WITH
    (k -> e.attrs[k]) AS attr,
    (k -> e.device[k]) AS device_attr,
    {dimension_columns}
SELECT
    org, app, receipt, received_at, weight, e.time AS time,
    'event' AS source,
    e.name AS name,
    '' AS service,
    attr('exception.type') AS kind,
    attr('exception.message') AS message,
    attr('exception.stacktrace') AS stack,
    d_release AS release,
    if(e.user_id != '', concat('u', e.user_id), concat('s', e.session_id)) AS who,
    e.event_id AS event_id,
    toFixedString('', 16) AS trace_id,
    toFixedString('', 8) AS span_id,
    {dimension_map} AS dims
FROM {database}.events AS e
WHERE mapContains(e.attrs, 'exception.type') OR e.name IN ('exception', 'error');

-- Of spans and log records, `s`, with the attributes of the exception as `found`.
--: time_ms = fromUnixTimestamp64Milli(intDiv(toUnixTimestamp64Nano(s.time), 1000000), 'UTC')
--: otlp_error =
--:     '' AS name,
--:     s.service AS service,
--:     found['exception.type'] AS kind,
--:     found['exception.message'] AS message,
--:     found['exception.stacktrace'] AS stack,
--:     s.resource_attrs['service.version'] AS release,
--:     if(s.attrs['user.id'] != '', concat('u', s.attrs['user.id']), concat('s', s.attrs['session.id'])) AS who,
--:     '' AS event_id,
--:     s.trace_id AS trace_id,
--:     s.span_id AS span_id,
--:     CAST(map(), '{text_map}') AS dims
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_spans_view {on_cluster} TO {database}.errors AS
SELECT org, app, receipt, received_at, weight, {time_ms} AS time, 'span' AS source, {otlp_error}
FROM
(
    SELECT
        org, app, receipt, received_at, weight, time, service, trace_id, span_id, attrs, resource_attrs,
        events.name, events.attrs
    FROM {database}.spans
    WHERE has(events.name, 'exception')
) AS s
ARRAY JOIN events.name AS called, events.attrs AS found
WHERE called = 'exception';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_logs_view {on_cluster} TO {database}.errors AS
WITH s.attrs AS found
SELECT org, app, receipt, received_at, weight, {time_ms} AS time, 'log' AS source, {otlp_error}
FROM {database}.logs AS s
WHERE mapContains(s.attrs, 'exception.type');
