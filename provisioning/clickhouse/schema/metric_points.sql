-- Data points of OTLP metrics, of all kinds in one form, so that a block is one part.
-- `series` is a hash of what identifies a time series: the metric, its kind and unit, the attributes of point,
-- scope and resource, in any order. `value` is value_int too where that is set.
--
-- What is measured, of all kinds in one form.
--: measured =
--:     count UInt64, sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64),
--:     bounds Array(Float64), bucket_counts Array(UInt64),
--:     scale Int32, zero_count UInt64, zero_threshold Float64,
--:     positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64),
--:     quantiles Array(Float64), quantile_values Array(Float64)
CREATE TABLE IF NOT EXISTS {database}.metric_points {on_cluster}
(
    {row},
    type LowCardinality(String),
    name LowCardinality(String),
    description LowCardinality(String),
    unit LowCardinality(String),
    metadata {text_map},
    service LowCardinality(String),
    series UInt64,
    time {instant_9} CODEC(Delta, LZ4),
    start_time {instant_9} CODEC(Delta, LZ4),
    temporality LowCardinality(String),
    monotonic Bool,
    value Nullable(Float64),
    value_int Nullable(Int64),
    {measured},
    flags UInt32,
    exemplars Nested(time {instant_9}, value Nullable(Float64), value_int Nullable(Int64),
        trace_id FixedString(16), span_id FixedString(8), attrs {text_map}),
    attrs {text_map},
    attr_types {types},
    {resource_and_scope},
    {by_receipt_time}
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, name, time)
{kept_30_days};
