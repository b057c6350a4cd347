-- Spans by minute and hour: rate, errors and duration of each operation.
-- count, errors and duration_sum are weighted (weight = 1 / sampling rate), rows is not; durations are
-- nanoseconds. errors = spans whose status is error. trace_id is a sample.
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.spans_{step} {on_cluster}
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
    duration_sketch {sketch},
    trace_id SimpleAggregateFunction(max, FixedString(16))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, service, time, operation, kind, status)
TTL time + INTERVAL {lifetime} {unit}
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
--: end
