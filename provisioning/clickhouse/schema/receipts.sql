-- One row for each envelope. A batch that was split, or sent again, has several.
CREATE TABLE IF NOT EXISTS {database}.receipts {on_cluster}
(
    org LowCardinality(String),
    receipt UUID,
    app LowCardinality(String),
    signal LowCardinality(String),
    key_id LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    offered UInt32,
    accepted UInt32,
    rejected Map(LowCardinality(String), UInt32),
    sampled UInt32,
    limited UInt32,
    duplicate UInt32,
    dead_lettered UInt32,
    dead_letters UInt32
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, receipt)
{kept_30_days};
