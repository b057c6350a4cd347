-- Spans by minute and hour: rate, errors and duration of each operation.
-- {aggregating_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: AggregatingMergeTree, non_replicated_deduplication_window; server: ReplicatedAggregatingMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- count, errors and duration_sum are weighted (weight = 1 / sampling rate), rows is not; durations are
-- nanoseconds. errors = spans whose status is error. trace_id is a sample.

CREATE TABLE IF NOT EXISTS {database}.spans_1m {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    service LowCardinality(String),
    time DateTime('UTC'),
    operation LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    errors SimpleAggregateFunction(sum, Float64),
    duration_sum SimpleAggregateFunction(sum, Float64),
    duration_min SimpleAggregateFunction(min, UInt64),
    duration_max SimpleAggregateFunction(max, UInt64),
    duration_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    trace_id SimpleAggregateFunction(max, FixedString(16))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, service, time, operation, kind, status)
TTL time + INTERVAL 13 MONTH
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {database}.spans_1h {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    service LowCardinality(String),
    time DateTime('UTC'),
    operation LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    errors SimpleAggregateFunction(sum, Float64),
    duration_sum SimpleAggregateFunction(sum, Float64),
    duration_min SimpleAggregateFunction(min, UInt64),
    duration_max SimpleAggregateFunction(max, UInt64),
    duration_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    trace_id SimpleAggregateFunction(max, FixedString(16))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, service, time, operation, kind, status)
TTL time + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- A sender's clock may be anything: outside the 400 days before and the day after its receipt, a
-- span is counted in the minute of its receipt.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_1m_view {on_cluster} TO {database}.spans_1m AS
WITH
    intDiv(toUnixTimestamp64Nano(s.time), 1000000000) AS said_s,
    intDiv(toUnixTimestamp64Milli(s.received_at), 1000) AS received_s
SELECT
    org, app, service,
    toStartOfMinute(toDateTime(if(said_s - received_s BETWEEN -400 * 86400 AND 86400, said_s, received_s), 'UTC')) AS time,
    s.name AS operation, kind, status,
    sum(weight) AS count,
    count() AS rows,
    sumIf(weight, s.status = 'error') AS errors,
    sum(weight * duration_ns) AS duration_sum,
    min(duration_ns) AS duration_min,
    max(duration_ns) AS duration_max,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(toFloat64(duration_ns)) AS duration_sketch,
    max(s.trace_id) AS trace_id
FROM {database}.spans AS s
GROUP BY org, app, service, time, operation, kind, status;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spans_1h_view {on_cluster} TO {database}.spans_1h AS
SELECT
    org, app, service, toStartOfHour(r.time) AS time, operation, kind, status,
    sum(count) AS count,
    sum(rows) AS rows,
    sum(errors) AS errors,
    sum(duration_sum) AS duration_sum,
    min(duration_min) AS duration_min,
    max(duration_max) AS duration_max,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(duration_sketch) AS duration_sketch,
    max(r.trace_id) AS trace_id
FROM {database}.spans_1m AS r
GROUP BY org, app, service, time, operation, kind, status;
