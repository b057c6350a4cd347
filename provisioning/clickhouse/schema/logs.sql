-- Log records.
CREATE TABLE IF NOT EXISTS {database}.logs {on_cluster}
(
    {row},
    time {instant_9} CODEC(Delta, LZ4),
    observed_time {instant_9} CODEC(Delta, LZ4),
    severity_number Int32,
    severity_text LowCardinality(String),
    body String,
    event_name LowCardinality(String),
    trace_id FixedString(16),
    span_id FixedString(8),
    flags UInt32,
    service LowCardinality(String),
    attrs {text_map},
    attr_types {types},
    dropped_attrs UInt32,
    {resource_and_scope},
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_word lower(body) TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1,
    {by_receipt_time}
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, service, time)
{kept_30_days};
