-- Data points out of OTLP requests. The five kinds are brought into one form (`point`).
--: signal = metrics
--: kind = metrics
--: items = metrics
--: point = Tuple(type String, temporality Int32, monotonic Bool, start UInt64, time UInt64,
--:     as_double Nullable(Float64), as_int Nullable(Int64), {measured},
--:     exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: times = p.start_time_unix_nano, p.time_unix_nano
--: no_value = NULL, NULL
--: no_bounds = [], []
--: no_exponential = 0, 0, 0, 0, [], 0, []
--: no_quantiles = [], []
--: rest = p.exemplars, p.attributes, p.flags
--: gauge = 'gauge', 0, false, {times}, p.as_double, p.as_int,
--:     0, NULL, NULL, NULL, {no_bounds}, {no_exponential}, {no_quantiles}, {rest}
--: sum = 'sum', `x.sum.aggregation_temporality`, `x.sum.is_monotonic`, {times}, p.as_double, p.as_int,
--:     0, NULL, NULL, NULL, {no_bounds}, {no_exponential}, {no_quantiles}, {rest}
--: histogram = 'histogram', `x.histogram.aggregation_temporality`, false, {times}, {no_value},
--:     p.count, p.sum, p.min, p.max, p.explicit_bounds, p.bucket_counts, {no_exponential}, {no_quantiles}, {rest}
--: exponential_histogram = 'exponential_histogram', `x.exponential_histogram.aggregation_temporality`, false,
--:     {times}, {no_value}, p.count, p.sum, p.min, p.max, {no_bounds},
--:     p.scale, p.zero_count, p.zero_threshold, p.positive.offset, p.positive.bucket_counts,
--:     p.negative.offset, p.negative.bucket_counts, {no_quantiles}, {rest}
--: summary = 'summary', 0, false, {times}, {no_value}, p.count, p.sum, NULL, NULL, {no_bounds}, {no_exponential},
--:     p.quantile_values.quantile, p.quantile_values.value, CAST([], '{exemplars}'), p.attributes, p.flags
--: points = [arrayMap(p -> CAST(({{kind}}), '{point}'), `x.{kind}.data_points`)
--:     for kind in gauge, sum, histogram, exponential_histogram, summary]
--: measured_columns = [p.{name} AS {name} for name type in {measured}]
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metric_points_view {on_cluster} TO {database}.metric_points AS
WITH {values}
SELECT
    {row_columns},
    p.type AS type,
    `x.name` AS name,
    `x.description` AS description,
    `x.unit` AS unit,
    metadata,
    cityHash64(`x.name`, p.type, `x.unit`, mapSort(attrs), mapSort(resource_attrs), scope_name, scope_version,
        mapSort(scope_attrs)) AS series,
    instant(p.time) AS time,
    instant(p.start) AS start_time,
    transform(p.temporality, [0, 1, 2], ['unspecified', 'delta', 'cumulative'], toString(p.temporality))
        AS temporality,
    p.monotonic AS monotonic,
    coalesce(p.as_double, toFloat64(p.as_int)) AS value,
    p.as_int AS value_int,
    {measured_columns},
    p.flags AS flags,
    arrayMap(y -> instant(y), p.exemplars.time_unix_nano) AS `exemplars.time`,
    arrayMap(y -> coalesce(y.as_double, toFloat64(y.as_int)), p.exemplars) AS `exemplars.value`,
    p.exemplars.as_int AS `exemplars.value_int`,
    arrayMap(y -> id_16(y), p.exemplars.trace_id) AS `exemplars.trace_id`,
    arrayMap(y -> id_8(y), p.exemplars.span_id) AS `exemplars.span_id`,
    arrayMap(y -> strings(y), p.exemplars.filtered_attributes) AS `exemplars.attrs`,
    strings(p.attributes) AS attrs,
    type_codes(p.attributes) AS attr_types,
    {resource_columns}, {scope_columns}
FROM
(
    SELECT
        {row_columns}, {resource_columns}, {scope_columns},
        `x.name`, `x.description`, `x.unit`, strings(`x.metadata`) AS metadata,
        arrayConcat({points}) AS points
    FROM
    (
--: include definitions/otlp_items.sql
    ) AS h
    ARRAY JOIN {arrays}
) AS m
ARRAY JOIN points AS p;
