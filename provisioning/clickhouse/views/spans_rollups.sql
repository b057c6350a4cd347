-- Spans by minute; the hour is computed from the block that goes into the minute.
-- A sender's clock may be anything: outside the 400 days before and the day after its receipt, a span is
-- counted in the minute of its receipt.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_1m_view {on_cluster} TO {database}.spans_1m AS
WITH
    intDiv(toUnixTimestamp64Nano(s.time), 1000000000) AS sent_s,
    intDiv(toUnixTimestamp64Milli(s.received_at), 1000) AS received_s,
    if(sent_s - received_s BETWEEN -400 * 86400 AND 86400, sent_s, received_s) AS used_s
SELECT
    org, app, service, toStartOfMinute(toDateTime(used_s, 'UTC')) AS time, s.name AS operation, kind, status,
    sum(weight) AS count,
    count() AS rows,
    sumIf(weight, s.status = 'error') AS errors,
    sum(weight * duration_ns) AS duration_sum,
    min(duration_ns) AS duration_min,
    max(duration_ns) AS duration_max,
    quantilesDDState({levels})(toFloat64(duration_ns)) AS duration_sketch,
    max(s.trace_id) AS trace_id
FROM {database}.spans AS s
GROUP BY org, app, service, time, operation, kind, status;

--: merged = [{aggregate}(r.{name}) AS {name} for name aggregate type in {spans_measures}]
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_1h_view {on_cluster} TO {database}.spans_1h AS
SELECT
    org, app, service, toStartOfHour(r.time) AS time, operation, kind, status,
    {merged},
    quantilesDDMergeState({levels})(duration_sketch) AS duration_sketch,
    max(r.trace_id) AS trace_id
FROM {database}.spans_1m AS r
GROUP BY org, app, service, time, operation, kind, status;
