-- Data points of metrics by minute and hour, one row for each series, and for each run of a running total.
--
-- Running totals are cumulative monotonic sums, cumulative histograms and summaries. A run is what one writer
-- counts from one start: `run` is that start in ns, 0 where there is none (missing, or after the point), and 0
-- for everything that is no running total.
-- `points` are the points of running totals and of deltas, in order: (time, start, value), where the value is the
-- total, the delta, or the count of a histogram, with the sum of a histogram. A point that comes twice is one
-- point, and one that comes late is where it belongs, so that every resolution tells the same increases: they are
-- computed when they are asked for (api/query/sql/metric_increases.sql). `count`, `sum`, `min`, `max` and `sketch`
-- are of the finite values of gauges and sums; of running totals they mean nothing.
--
-- A bucket of a histogram is (127, lower bound, upper bound); of an exponential histogram (scale, index, sign),
-- at a scale of 8 or coarser, and its zero bucket (126, 0, 0). Empty buckets are left out. `buckets` adds up
-- deltas; `first_buckets` and `last_buckets` are those of the first and last point of a running histogram, and
-- `histograms` all of them where `run` is 0, since totals may then fall within a row.
-- `min` and `max` of a running histogram are those of its whole run.
--: bucket_type = Tuple(Int8, Float64, Float64)
--: histogram_type = Tuple(UInt64, Array({bucket_type}), Array(UInt64))
--: run_points = Tuple(Array(Tuple(UInt64, UInt64, Float64)), Array(Float64))
--: latest_point = Tuple(UInt64, Float64)
--: latest_quantiles = Tuple(UInt64, Array(Float64), Array(Float64))
--: bucket_counts = Tuple(Array({bucket_type}), Array(UInt64))
-- Of each measure: its name, its aggregate, its type.
--: metrics_numbers = rows sum UInt64, count sum Float64, sum sum Float64, min min Nullable(Float64),
--:     max max Nullable(Float64), last max {latest_point}
--: metrics_distributions = zero_threshold max Float64, buckets sumMap {bucket_counts},
--:     first_buckets min {histogram_type}, last_buckets max {histogram_type},
--:     histograms groupUniqArrayArray Array({histogram_type}), quantiles max {latest_quantiles}
--: numbers = [{name} SimpleAggregateFunction({aggregate}, {type}) for name aggregate type in {metrics_numbers}]
--: distributions = [{name} SimpleAggregateFunction({aggregate}, {type})
--:     for name aggregate type in {metrics_distributions}]
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.metrics_{step} {on_cluster}
(
    {org_and_app},
    name LowCardinality(String),
    time DateTime('UTC'),
    type LowCardinality(String),
    unit LowCardinality(String),
    service LowCardinality(String),
    temporality LowCardinality(String),
    monotonic Bool,
    series UInt64,
    run UInt64,
    dims SimpleAggregateFunction(any, Map(String, String)),
    {numbers},
    points SimpleAggregateFunction(maxMap, {run_points}) CODEC(Delta(8), ZSTD(1)),
    sketch {sketch},
    {distributions}
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, type, unit, service, temporality, monotonic, series, run)
{storage_of_rollup};
--: end
