-- Data points of metrics by minute and hour, one row for each series.
--
-- Gauges and sums: count (weighted) and sum, min, max, sketch of the finite values of the points.
-- Histograms, exponential histograms and summaries of delta temporality: count, sum, min, max of what was
-- observed, and `buckets`: (upper bounds, observations), mergeable whatever the bounds (the bounds of an
-- exponential histogram become numbers; its zero bucket ends at the zero threshold).
-- Of cumulative ones a sum means nothing, so they give none of these, but what an increase is computed from:
-- `first` and `last` (the value, or the sum of a histogram), `first_count`, `last_count`, `first_buckets`,
-- `last_buckets`, `last_quantiles`, `first_time`, `last_time`; a `start_time` after `first_time` tells a reset.
-- A summary counts as cumulative.
--: bucket_pair = Tuple(Array(Float64), Array(UInt64))
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.metrics_{step} {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    name LowCardinality(String),
    time DateTime('UTC'),
    type LowCardinality(String),
    unit LowCardinality(String),
    service LowCardinality(String),
    temporality LowCardinality(String),
    monotonic Bool,
    series UInt64,
    dims SimpleAggregateFunction(any, Map(String, String)),
    rows SimpleAggregateFunction(sum, UInt64),
    count SimpleAggregateFunction(sum, Float64),
    sum SimpleAggregateFunction(sum, Float64),
    min SimpleAggregateFunction(min, Nullable(Float64)),
    max SimpleAggregateFunction(max, Nullable(Float64)),
    first AggregateFunction(argMin, Float64, {instant_9}),
    last AggregateFunction(argMax, Float64, {instant_9}),
    first_count AggregateFunction(argMin, UInt64, {instant_9}),
    last_count AggregateFunction(argMax, UInt64, {instant_9}),
    first_time SimpleAggregateFunction(min, {instant_9}),
    last_time SimpleAggregateFunction(max, {instant_9}),
    start_time SimpleAggregateFunction(max, {instant_9}),
    sketch {sketch},
    buckets SimpleAggregateFunction(sumMap, {bucket_pair}),
    first_buckets AggregateFunction(argMin, {bucket_pair}, {instant_9}),
    last_buckets AggregateFunction(argMax, {bucket_pair}, {instant_9}),
    last_quantiles AggregateFunction(argMax, Tuple(Array(Float64), Array(Float64)), {instant_9})
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, type, unit, service, temporality, monotonic, series)
TTL time + INTERVAL {lifetime} {unit}
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
--: end
