-- Native events.
--: labels = [{name} LowCardinality(String) for name in country, browser, browser_version, os, os_version,
--:     device_type, sdk_name, sdk_version, datacenter, server_version]
CREATE TABLE IF NOT EXISTS {database}.events {on_cluster}
(
    {row},
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    time_flag UInt8,
    ts DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    skew_ms Int64,
    event_id String,
    name LowCardinality(String),
    value Nullable(Float64),
    unit LowCardinality(String),
    attrs {text_map},
    attr_types {types},
    session_id String,
    user_id String,
    device {text_map},
    device_types {types},
    ip_hash String,
    {labels},
    {by_receipt_time},
    INDEX by_event_id event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, name, time)
{kept_30_days};
