-- Data points by minute and series; the hour is computed from the block that goes into the minute.
-- Values below 1 go into a sketch one bucket lower: see events_rollups.sql.
-- A sender's clock may be anything: outside the 400 days before and the day after its receipt, a point is
-- counted at its receipt. A point whose flags say that nothing was recorded is one of `rows` and nothing else.
-- Dimensions are the attributes of the point and, where it has none of that name, those of its resource which
-- tell where it comes from ({metric_dimensions_most} at most).
--: identity = org, app, name, time, type, unit, service, temporality, monotonic, series, run
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metrics_1m_view {on_cluster} TO {database}.metrics_1m AS
WITH
    intDiv(toUnixTimestamp64Nano(p.time), 1000000000) - intDiv(toUnixTimestamp64Milli(p.received_at), 1000) AS ahead_s,
    toUInt64(if(ahead_s BETWEEN -400 * 86400 AND 86400, toUnixTimestamp64Nano(p.time),
        toUnixTimestamp64Milli(p.received_at) * 1000000)) AS at,
    toUInt64(toUnixTimestamp64Nano(p.start_time)) AS started,
    p.type IN ('gauge', 'sum') AS of_numbers,
    bitAnd(p.flags, 1) = 0 AS recorded,
    of_numbers AND recorded AND isFinite(ifNull(p.value, nan)) AS is_number,
    recorded AND NOT of_numbers AS is_distribution,
    if(is_number, assumeNotNull(p.value), 0) AS number,
    p.type = 'summary' OR (p.temporality = 'cumulative' AND (p.type != 'sum' OR p.monotonic)) AS is_running,
    p.temporality = 'delta' AND p.type != 'gauge' AS is_delta,
    is_delta AND is_distribution AS is_delta_histogram,
    is_running AND is_distribution AS is_running_histogram,
    if(is_delta, p.weight, 1) * if(of_numbers, number, toFloat64(p.count)) AS counted,
    if(is_delta, p.weight, 1) * if(isFinite(ifNull(p.sum, 0)), ifNull(p.sum, 0), 0) AS added,
    toInt8(least(p.scale, 8)) AS scale,
    toUInt8(greatest(p.scale - 8, 0)) AS shift,
    if(p.type = 'exponential_histogram',
        arrayConcat(
            arrayMap(i -> (scale, toFloat64(bitShiftRight(toInt64(p.negative_offset) + i - 1, shift)), -1.),
                arrayEnumerate(p.negative_counts)),
            [(toInt8(126), 0., 0.)],
            arrayMap(i -> (scale, toFloat64(bitShiftRight(toInt64(p.positive_offset) + i - 1, shift)), 1.),
                arrayEnumerate(p.positive_counts))),
        arrayMap((n, lower, upper) -> (toInt8(127), lower, upper), p.bucket_counts,
            arrayResize(arrayPushFront(p.bounds, -inf), length(p.bucket_counts), inf),
            arrayResize(p.bounds, length(p.bucket_counts), inf))) AS all_buckets,
    if(p.type = 'exponential_histogram', arrayConcat(p.negative_counts, [p.zero_count], p.positive_counts),
        p.bucket_counts) AS all_counts,
    arrayFilter((b, n) -> n > 0, all_buckets, all_counts) AS filled_buckets,
    arrayFilter(n -> n > 0, all_counts) AS filled_counts,
    if(shift > 0, arrayReduce('sumMap', [filled_buckets], [filled_counts]), (filled_buckets, filled_counts)) AS filled,
    (at, filled.1, filled.2) AS histogram
SELECT
    org, app, name, toStartOfMinute(toDateTime(intDiv(at, 1000000000), 'UTC')) AS time,
    type, unit, service, temporality, monotonic, series,
    if(is_running AND started <= at, started, 0) AS run,
    any({metric_dimensions}) AS dims,
    count() AS rows,
    sum(weight * is_number) AS count,
    sum(weight * number) AS sum,
    min(multiIf(is_number, number, is_distribution, p.min, NULL)) AS min,
    max(multiIf(is_number, number, is_distribution, p.max, NULL)) AS max,
    maxIf((at, number), is_number) AS last,
    maxMapIf([(at, started, counted)], [added], (is_running OR is_delta) AND (is_number OR is_distribution)) AS points,
    quantilesDDStateIf({levels})(if(abs(number) < 1, number * {sketch_below_1}, number), is_number AND NOT is_running)
        AS sketch,
    max(p.zero_threshold) AS zero_threshold,
    sumMapIf(filled.1, filled.2, is_delta_histogram) AS buckets,
    minIf(histogram, is_running_histogram) AS first_buckets,
    maxIf(histogram, is_running_histogram) AS last_buckets,
    groupUniqArrayIf(histogram, is_running_histogram AND run = 0) AS histograms,
    maxIf((at, arrayFilter((q, v) -> isFinite(v), p.quantiles, p.quantile_values),
        arrayFilter(v -> isFinite(v), p.quantile_values)), recorded AND p.type = 'summary') AS quantiles
FROM {database}.metric_points AS p
GROUP BY {identity};

--: numbers = [{aggregate}(r.{name}) AS {name} for name aggregate type in {metrics_numbers}]
--: distributions = [{aggregate}(r.{name}) AS {name} for name aggregate type in {metrics_distributions}]
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metrics_1h_view {on_cluster} TO {database}.metrics_1h AS
SELECT
    org, app, name, toStartOfHour(r.time) AS time, type, unit, service, temporality, monotonic, series, run,
    any(r.dims) AS dims,
    {numbers},
    maxMap(r.points) AS points,
    quantilesDDMergeState({levels})(sketch) AS sketch,
    {distributions}
FROM {database}.metrics_1m AS r
GROUP BY {identity};
