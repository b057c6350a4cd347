-- Rejected items as they were sent. `dead_letter_id` names a dead letter wherever the log is stored: it is a
-- hash of what the envelope says of it.
CREATE TABLE IF NOT EXISTS {database}.dead_letters {on_cluster}
(
    {org_and_app},
    signal LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    receipt UUID,
    `index` UInt32,
    dead_letter_id UUID,
    reason LowCardinality(String),
    field String,
    message String,
    name String,
    original String CODEC(ZSTD(3)),
    key_id LowCardinality(String),
    sent_ms UInt64,
    sdk_name LowCardinality(String),
    sdk_version LowCardinality(String),
    protocol LowCardinality(String)
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, received_at, receipt, `index`)
{kept_30_days};

-- Dead letters that were sent again and stored: an event of a replay carries its dead letter's id.
CREATE TABLE IF NOT EXISTS {database}.dead_letter_replays {on_cluster}
(
    {org_and_app},
    dead_letter_id UUID,
    replayed_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    receipt UUID
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMM(replayed_at)
ORDER BY (org, app, dead_letter_id)
TTL toDateTime(replayed_at) + INTERVAL 90 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
