-- Spans of OTLP traces. `time` is the start.
CREATE TABLE IF NOT EXISTS {database}.spans {on_cluster}
(
    {row},
    time {instant_9} CODEC(Delta, LZ4),
    duration_ns UInt64,
    duration_flag UInt8,
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    trace_state String,
    name LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    status_message String,
    service LowCardinality(String),
    attrs {text_map},
    attr_types {types},
    dropped_attrs UInt32,
    events Nested(time {instant_9}, name LowCardinality(String), attrs {text_map}, attr_types {types},
        dropped_attrs UInt32),
    dropped_events UInt32,
    links Nested(trace_id FixedString(16), span_id FixedString(8), trace_state String, attrs {text_map},
        attr_types {types}, dropped_attrs UInt32, flags UInt32),
    dropped_links UInt32,
    flags UInt32,
    {resource_and_scope},
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    {by_receipt_time}
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, service, time)
{kept_30_days};
