-- Data points of metrics by minute and hour, one row for each series.
-- {aggregating_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: AggregatingMergeTree, non_replicated_deduplication_window; server: ReplicatedAggregatingMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- Gauges and sums: count (weighted) and sum, min, max, sketch of the finite values of the points.
-- Histograms, exponential histograms and summaries of delta temporality: count, sum, min, max of what
-- was observed, and `buckets`: (upper bounds, observations), mergeable whatever the bounds (the bounds of
-- an exponential histogram become numbers; its zero bucket ends at the zero threshold).
-- Of cumulative ones a sum means nothing, so they give none of these, but what an increase is computed
-- from: `first` and `last` (the value, or the sum of a histogram), `first_count`, `last_count`,
-- `first_buckets`, `last_buckets`, `last_quantiles`, `first_time`, `last_time`; a `start_time` after
-- `first_time` tells a reset. A summary counts as cumulative.

CREATE TABLE IF NOT EXISTS {database}.metrics_1m {on_cluster}
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
    first AggregateFunction(argMin, Float64, DateTime64(9, 'UTC')),
    last AggregateFunction(argMax, Float64, DateTime64(9, 'UTC')),
    first_count AggregateFunction(argMin, UInt64, DateTime64(9, 'UTC')),
    last_count AggregateFunction(argMax, UInt64, DateTime64(9, 'UTC')),
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    start_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    buckets SimpleAggregateFunction(sumMap, Tuple(Array(Float64), Array(UInt64))),
    first_buckets AggregateFunction(argMin, Tuple(Array(Float64), Array(UInt64)), DateTime64(9, 'UTC')),
    last_buckets AggregateFunction(argMax, Tuple(Array(Float64), Array(UInt64)), DateTime64(9, 'UTC')),
    last_quantiles AggregateFunction(argMax, Tuple(Array(Float64), Array(Float64)), DateTime64(9, 'UTC'))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, type, unit, service, temporality, monotonic, series)
TTL time + INTERVAL 13 MONTH
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {database}.metrics_1h {on_cluster}
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
    first AggregateFunction(argMin, Float64, DateTime64(9, 'UTC')),
    last AggregateFunction(argMax, Float64, DateTime64(9, 'UTC')),
    first_count AggregateFunction(argMin, UInt64, DateTime64(9, 'UTC')),
    last_count AggregateFunction(argMax, UInt64, DateTime64(9, 'UTC')),
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    start_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    buckets SimpleAggregateFunction(sumMap, Tuple(Array(Float64), Array(UInt64))),
    first_buckets AggregateFunction(argMin, Tuple(Array(Float64), Array(UInt64)), DateTime64(9, 'UTC')),
    last_buckets AggregateFunction(argMax, Tuple(Array(Float64), Array(UInt64)), DateTime64(9, 'UTC')),
    last_quantiles AggregateFunction(argMax, Tuple(Array(Float64), Array(Float64)), DateTime64(9, 'UTC'))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, type, unit, service, temporality, monotonic, series)
TTL time + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- What goes into a sketch is a bucket smaller below 1: see 0002_events_rollups.sql.
-- A sender's clock may be anything: outside the 400 days before and the day after its receipt, a
-- point is counted in the minute of its receipt.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metrics_1m_view {on_cluster} TO {database}.metrics_1m AS
WITH
    intDiv(toUnixTimestamp64Nano(p.time), 1000000000) AS said_s,
    intDiv(toUnixTimestamp64Milli(p.received_at), 1000) AS received_s,
    p.type IN ('gauge', 'sum') AND isFinite(ifNull(p.value, nan)) AS is_number,
    if(is_number, assumeNotNull(p.value), 0) AS number,
    p.type IN ('histogram', 'exponential_histogram') AND p.temporality = 'delta' AS is_delta,
    is_number OR p.type NOT IN ('gauge', 'sum') AS has_level,
    if(is_number, number, ifNull(p.sum, 0)) AS level,
    if(p.type = 'exponential_histogram',
        (
            arrayConcat(
                arrayMap(i -> -exp2((p.negative_offset + i - 1) * exp2(-p.scale)), arrayEnumerate(p.negative_counts)),
                [p.zero_threshold],
                arrayMap(i -> exp2((p.positive_offset + i) * exp2(-p.scale)), arrayEnumerate(p.positive_counts))),
            arrayConcat(p.negative_counts, [p.zero_count], p.positive_counts)),
        (arrayResize(arrayPushBack(p.bounds, inf), length(p.bucket_counts), inf), p.bucket_counts)) AS histogram
SELECT
    org, app, name,
    toStartOfMinute(toDateTime(if(said_s - received_s BETWEEN -400 * 86400 AND 86400, said_s, received_s), 'UTC')) AS time,
    type, unit, service, temporality, monotonic, series,
    any(CAST(mapSort(attrs), 'Map(String, String)')) AS dims,
    count() AS rows,
    sum(weight * if(is_number, 1, if(is_delta, p.count, 0))) AS count,
    sum(weight * if(is_number, number, if(is_delta AND isFinite(ifNull(p.sum, 0)), ifNull(p.sum, 0), 0))) AS sum,
    min(if(is_number, number, if(is_delta, p.min, NULL))) AS min,
    max(if(is_number, number, if(is_delta, p.max, NULL))) AS max,
    argMinStateIf(level, p.time, has_level) AS first,
    argMaxStateIf(level, p.time, has_level) AS last,
    argMinState(p.count, p.time) AS first_count,
    argMaxState(p.count, p.time) AS last_count,
    min(p.time) AS first_time,
    max(p.time) AS last_time,
    max(p.start_time) AS start_time,
    quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(if(abs(number) < 1, number * 0.99 / 1.01, number), is_number) AS sketch,
    sumMapIf(histogram.1, histogram.2, is_delta) AS buckets,
    argMinState(histogram, p.time) AS first_buckets,
    argMaxState(histogram, p.time) AS last_buckets,
    argMaxState((p.quantiles, p.quantile_values), p.time) AS last_quantiles
FROM {database}.metric_points AS p
GROUP BY org, app, name, time, type, unit, service, temporality, monotonic, series;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metrics_1h_view {on_cluster} TO {database}.metrics_1h AS
SELECT
    org, app, name, toStartOfHour(r.time) AS time, type, unit, service, temporality, monotonic, series,
    any(r.dims) AS dims,
    sum(rows) AS rows,
    sum(count) AS count,
    sum(sum) AS sum,
    min(min) AS min,
    max(max) AS max,
    argMinMergeState(first) AS first,
    argMaxMergeState(last) AS last,
    argMinMergeState(first_count) AS first_count,
    argMaxMergeState(last_count) AS last_count,
    min(first_time) AS first_time,
    max(last_time) AS last_time,
    max(r.start_time) AS start_time,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(sketch) AS sketch,
    sumMap(buckets) AS buckets,
    argMinMergeState(first_buckets) AS first_buckets,
    argMaxMergeState(last_buckets) AS last_buckets,
    argMaxMergeState(last_quantiles) AS last_quantiles
FROM {database}.metrics_1m AS r
GROUP BY org, app, name, time, type, unit, service, temporality, monotonic, series;
