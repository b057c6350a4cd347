-- Data points by minute and series; the hour is computed from the block that goes into the minute.
-- Values below 1 go into a sketch one bucket lower: see events_rollups.sql.
-- A sender's clock may be anything: outside the 400 days before and the day after its receipt, a point is
-- counted in the minute of its receipt.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metrics_1m_view {on_cluster} TO {database}.metrics_1m AS
WITH
    intDiv(toUnixTimestamp64Nano(p.time), 1000000000) AS sent_s,
    intDiv(toUnixTimestamp64Milli(p.received_at), 1000) AS received_s,
    if(sent_s - received_s BETWEEN -400 * 86400 AND 86400, sent_s, received_s) AS used_s,
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
    org, app, name, toStartOfMinute(toDateTime(used_s, 'UTC')) AS time,
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
    quantilesDDStateIf({levels})(if(abs(number) < 1, number * {sketch_below_1}, number), is_number) AS sketch,
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
    quantilesDDMergeState({levels})(sketch) AS sketch,
    sumMap(buckets) AS buckets,
    argMinMergeState(first_buckets) AS first_buckets,
    argMaxMergeState(last_buckets) AS last_buckets,
    argMaxMergeState(last_quantiles) AS last_quantiles
FROM {database}.metrics_1m AS r
GROUP BY org, app, name, time, type, unit, service, temporality, monotonic, series;
