-- Data points of metrics: the input table, the raw rows, and the view between them.
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- The input has one column for each field of the protobuf (seamark/wire/envelope.proto), as deep in
-- arrays as the field is in repeated messages: one column of nested tuples would do too, but its type
-- is then copied and compared at every step, which made an insert three times as dear. In an AnyValue,
-- a member that is not set is NULL, or an empty array.
-- The five kinds of points are brought into one form (`point`), so that a block is one part.
--: any_0 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Nullable(String), kvlist_value Nullable(String))
--: any_1 = Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), bytes_value Nullable(String), array_value Tuple(values Array({any_0})), kvlist_value Tuple(values Array(Tuple(key String, value {any_0}))))
--: attributes = Array(Tuple(key String, value {any_1}))
--: exemplars = Array(Tuple(time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), span_id String, trace_id String, filtered_attributes {attributes}))
--: number_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: histogram_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: exponential_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), scale Int32, zero_count UInt64, zero_threshold Float64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), exemplars {exemplars}, attributes {attributes}, flags UInt32)
--: summary_point = Tuple(start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), attributes {attributes}, flags UInt32)
--: point = Tuple(type String, temporality Int32, monotonic Bool, start UInt64, time UInt64, as_double Nullable(Float64), as_int Nullable(Int64), count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64), bounds Array(Float64), bucket_counts Array(UInt64), scale Int32, zero_count UInt64, zero_threshold Float64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64), quantiles Array(Float64), quantile_values Array(Float64), exemplars {exemplars}, attributes {attributes}, flags UInt32)

CREATE TABLE IF NOT EXISTS {database}.in_metrics {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt String,
    received_ns UInt64,
    key_id String,
    weight Float64,
    outcome Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32, limited UInt32),
    `metrics.resource_metrics.resource.attributes` Array({attributes}),
    `metrics.resource_metrics.resource.dropped_attributes_count` Array(UInt32),
    `metrics.resource_metrics.schema_url` Array(String),
    `metrics.resource_metrics.scope_metrics.scope.name` Array(Array(String)),
    `metrics.resource_metrics.scope_metrics.scope.version` Array(Array(String)),
    `metrics.resource_metrics.scope_metrics.scope.attributes` Array(Array({attributes})),
    `metrics.resource_metrics.scope_metrics.scope.dropped_attributes_count` Array(Array(UInt32)),
    `metrics.resource_metrics.scope_metrics.schema_url` Array(Array(String)),
    `metrics.resource_metrics.scope_metrics.metrics.name` Array(Array(Array(String))),
    `metrics.resource_metrics.scope_metrics.metrics.description` Array(Array(Array(String))),
    `metrics.resource_metrics.scope_metrics.metrics.unit` Array(Array(Array(String))),
    `metrics.resource_metrics.scope_metrics.metrics.metadata` Array(Array(Array({attributes}))),
    `metrics.resource_metrics.scope_metrics.metrics.gauge.data_points` Array(Array(Array(Array({number_point})))),
    `metrics.resource_metrics.scope_metrics.metrics.sum.data_points` Array(Array(Array(Array({number_point})))),
    `metrics.resource_metrics.scope_metrics.metrics.sum.aggregation_temporality` Array(Array(Array(Int32))),
    `metrics.resource_metrics.scope_metrics.metrics.sum.is_monotonic` Array(Array(Array(Bool))),
    `metrics.resource_metrics.scope_metrics.metrics.histogram.data_points` Array(Array(Array(Array({histogram_point})))),
    `metrics.resource_metrics.scope_metrics.metrics.histogram.aggregation_temporality` Array(Array(Array(Int32))),
    `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.data_points` Array(Array(Array(Array({exponential_point})))),
    `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.aggregation_temporality` Array(Array(Array(Int32))),
    `metrics.resource_metrics.scope_metrics.metrics.summary.data_points` Array(Array(Array(Array({summary_point}))))
)
ENGINE = Null;

-- `series` is a hash of what identifies a time series: the metric, its kind and unit, the attributes
-- of point, scope and resource, in any order. `value` is value_int too where that is set.
CREATE TABLE IF NOT EXISTS {database}.metric_points {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt UUID,
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    weight Float64,
    type LowCardinality(String),
    name LowCardinality(String),
    description LowCardinality(String),
    unit LowCardinality(String),
    metadata Map(LowCardinality(String), String),
    service LowCardinality(String),
    series UInt64,
    time DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    start_time DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    temporality LowCardinality(String),
    monotonic Bool,
    value Nullable(Float64),
    value_int Nullable(Int64),
    count UInt64,
    sum Nullable(Float64),
    min Nullable(Float64),
    max Nullable(Float64),
    bounds Array(Float64),
    bucket_counts Array(UInt64),
    scale Int32,
    zero_count UInt64,
    zero_threshold Float64,
    positive_offset Int32,
    positive_counts Array(UInt64),
    negative_offset Int32,
    negative_counts Array(UInt64),
    quantiles Array(Float64),
    quantile_values Array(Float64),
    flags UInt32,
    exemplars Nested(time DateTime64(9, 'UTC'), value Nullable(Float64), value_int Nullable(Int64), trace_id FixedString(16), span_id FixedString(8), attrs Map(LowCardinality(String), String)),
    attrs Map(LowCardinality(String), String),
    resource_attrs Map(LowCardinality(String), String),
    resource_dropped_attrs UInt32,
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attrs Map(LowCardinality(String), String),
    scope_dropped_attrs UInt32,
    scope_schema_url LowCardinality(String)
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, name, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- `text` is an attribute as it is stored: a string as it is, a number or a boolean in figures, bytes
-- in base64, an array or a list as JSON, in which bytes, and whatever is nested too deep (the bytes of
-- its message), are base64, and NaN and infinity are strings. An empty array, an empty list and no
-- value are all ''.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.metric_points_view {on_cluster} TO {database}.metric_points AS
WITH
    (x -> replaceAll(toJSONString(x), '\\/', '/')) AS quoted,
    (x -> if(isFinite(x), toString(x), concat('"', toString(x), '"'))) AS number,
    (x -> concat('"', base64Encode(x), '"')) AS base64,
    (x -> coalesce(toString(x.int_value), number(x.double_value), toString(x.bool_value),
        base64(coalesce(x.bytes_value, x.array_value, x.kvlist_value)), quoted(x.string_value), 'null')) AS json_0,
    (x -> concat('[', arrayStringConcat(arrayMap(y -> json_0(y), x), ','), ']')) AS array_1,
    (x -> concat('{', arrayStringConcat(arrayMap(y -> concat(quoted(y.key), ':', json_0(y.value)), x), ','), '}')) AS list_1,
    (x -> if(notEmpty(x.array_value.values), array_1(x.array_value.values),
        if(notEmpty(x.kvlist_value.values), list_1(x.kvlist_value.values), NULL))) AS nested_1,
    (x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), toString(x.bool_value),
        base64Encode(x.bytes_value), nested_1(x), '')) AS text,
    (x -> CAST((x.key, arrayMap(y -> text(y), x.value)), 'Map(LowCardinality(String), String)')) AS strings,
    (x -> fromUnixTimestamp64Nano(toInt64(least(x, 9223372036854775807)), 'UTC')) AS instant,
    (x -> toFixedString(substring(x, 1, 16), 16)) AS id_16,
    (x -> toFixedString(substring(x, 1, 8), 8)) AS id_8
SELECT
    org, app, receipt, received_at, weight,
    p.type AS type,
    x_name AS name,
    x_description AS description,
    x_unit AS unit,
    metadata,
    service,
    cityHash64(x_name, p.type, x_unit, mapSort(attrs), mapSort(resource_attrs), scope_name, scope_version, mapSort(scope_attrs)) AS series,
    instant(p.time) AS time,
    instant(p.start) AS start_time,
    transform(p.temporality, [0, 1, 2], ['unspecified', 'delta', 'cumulative'], toString(p.temporality)) AS temporality,
    p.monotonic AS monotonic,
    coalesce(p.as_double, toFloat64(p.as_int)) AS value,
    p.as_int AS value_int,
    p.count AS count,
    p.sum AS sum,
    p.min AS min,
    p.max AS max,
    p.bounds AS bounds,
    p.bucket_counts AS bucket_counts,
    p.scale AS scale,
    p.zero_count AS zero_count,
    p.zero_threshold AS zero_threshold,
    p.positive_offset AS positive_offset,
    p.positive_counts AS positive_counts,
    p.negative_offset AS negative_offset,
    p.negative_counts AS negative_counts,
    p.quantiles AS quantiles,
    p.quantile_values AS quantile_values,
    p.flags AS flags,
    arrayMap(y -> instant(y), p.exemplars.time_unix_nano) AS `exemplars.time`,
    arrayMap(y -> coalesce(y.as_double, toFloat64(y.as_int)), p.exemplars) AS `exemplars.value`,
    p.exemplars.as_int AS `exemplars.value_int`,
    arrayMap(y -> id_16(y), p.exemplars.trace_id) AS `exemplars.trace_id`,
    arrayMap(y -> id_8(y), p.exemplars.span_id) AS `exemplars.span_id`,
    arrayMap(y -> strings(y), p.exemplars.filtered_attributes) AS `exemplars.attrs`,
    strings(p.attributes) AS attrs,
    resource_attrs, resource_dropped_attrs, resource_schema_url,
    scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url
FROM
(
    SELECT
        org, app, receipt, received_at, weight, service, resource_attrs, resource_dropped_attrs,
        resource_schema_url, scope_name, scope_version, scope_attrs, scope_dropped_attrs, scope_schema_url,
        x_name, x_description, x_unit, strings(x_metadata) AS metadata,
        arrayConcat(
        arrayMap(p -> CAST(('gauge', 0, false, p.start_time_unix_nano, p.time_unix_nano, p.as_double, p.as_int, 0, NULL, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_gauge_data_points),
        arrayMap(p -> CAST(('sum', x_sum_aggregation_temporality, x_sum_is_monotonic, p.start_time_unix_nano, p.time_unix_nano, p.as_double, p.as_int, 0, NULL, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_sum_data_points),
        arrayMap(p -> CAST(('histogram', x_histogram_aggregation_temporality, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, p.min, p.max, p.explicit_bounds, p.bucket_counts, 0, 0, 0, 0, [], 0, [], [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_histogram_data_points),
        arrayMap(p -> CAST(('exponential_histogram', x_exponential_histogram_aggregation_temporality, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, p.min, p.max, [], [], p.scale, p.zero_count, p.zero_threshold, p.positive.offset, p.positive.bucket_counts, p.negative.offset, p.negative.bucket_counts, [], [], p.exemplars, p.attributes, p.flags), '{point}'), x_exponential_histogram_data_points),
        arrayMap(p -> CAST(('summary', 0, false, p.start_time_unix_nano, p.time_unix_nano, NULL, NULL, p.count, p.sum, NULL, NULL, [], [], 0, 0, 0, 0, [], 0, [], p.quantile_values.quantile, p.quantile_values.value, CAST([], '{exemplars}'), p.attributes, p.flags), '{point}'), x_summary_data_points)) AS points
    FROM
    (
        SELECT
            org, app, receipt, received_at, weight, service, resource_attrs, resource_dropped_attrs,
            resource_schema_url,
            scope_name, scope_version, strings(s_attributes) AS scope_attrs, scope_dropped_attrs, scope_schema_url,
            x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
            x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
            x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
            x_exponential_histogram_aggregation_temporality, x_summary_data_points
        FROM
        (
            SELECT
                org, app, toUUIDOrZero(i.receipt) AS receipt, weight,
                fromUnixTimestamp64Milli(toInt64(intDiv(least(received_ns, 9223372036854775807), 1000000)), 'UTC') AS received_at,
                strings(r_attributes) AS resource_attrs, resource_attrs['service.name'] AS service,
                resource_dropped_attrs, resource_schema_url,
                scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url,
                x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
                x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
                x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
                x_exponential_histogram_aggregation_temporality, x_summary_data_points
            FROM {database}.in_metrics AS i
            ARRAY JOIN
                `metrics.resource_metrics.resource.attributes` AS r_attributes,
                `metrics.resource_metrics.resource.dropped_attributes_count` AS resource_dropped_attrs,
                `metrics.resource_metrics.schema_url` AS resource_schema_url,
                `metrics.resource_metrics.scope_metrics.scope.name` AS scope_name,
                `metrics.resource_metrics.scope_metrics.scope.version` AS scope_version,
                `metrics.resource_metrics.scope_metrics.scope.attributes` AS s_attributes,
                `metrics.resource_metrics.scope_metrics.scope.dropped_attributes_count` AS scope_dropped_attrs,
                `metrics.resource_metrics.scope_metrics.schema_url` AS scope_schema_url,
                `metrics.resource_metrics.scope_metrics.metrics.name` AS x_name,
                `metrics.resource_metrics.scope_metrics.metrics.description` AS x_description,
                `metrics.resource_metrics.scope_metrics.metrics.unit` AS x_unit,
                `metrics.resource_metrics.scope_metrics.metrics.metadata` AS x_metadata,
                `metrics.resource_metrics.scope_metrics.metrics.gauge.data_points` AS x_gauge_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.sum.data_points` AS x_sum_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.sum.aggregation_temporality` AS x_sum_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.sum.is_monotonic` AS x_sum_is_monotonic,
                `metrics.resource_metrics.scope_metrics.metrics.histogram.data_points` AS x_histogram_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.histogram.aggregation_temporality` AS x_histogram_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.data_points` AS x_exponential_histogram_data_points,
                `metrics.resource_metrics.scope_metrics.metrics.exponential_histogram.aggregation_temporality` AS x_exponential_histogram_aggregation_temporality,
                `metrics.resource_metrics.scope_metrics.metrics.summary.data_points` AS x_summary_data_points
        ) AS g
        ARRAY JOIN
            scope_name, scope_version, s_attributes, scope_dropped_attrs, scope_schema_url, x_name,
            x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
            x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
            x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
            x_exponential_histogram_aggregation_temporality, x_summary_data_points
    ) AS h
    ARRAY JOIN
        x_name, x_description, x_unit, x_metadata, x_gauge_data_points, x_sum_data_points,
        x_sum_aggregation_temporality, x_sum_is_monotonic, x_histogram_data_points,
        x_histogram_aggregation_temporality, x_exponential_histogram_data_points,
        x_exponential_histogram_aggregation_temporality, x_summary_data_points
) AS m
ARRAY JOIN points AS p;
