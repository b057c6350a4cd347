-- Events: the input table, the raw rows, and the view between them.
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree(path,
-- replica), replicated_deduplication_window with its _seconds, ON CLUSTER).

CREATE TABLE IF NOT EXISTS {database}.in_events {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt String,
    received_ns UInt64,
    skew_ms Int64,
    ip_hash String,
    country LowCardinality(String),
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    device LowCardinality(String),
    sdk_name LowCardinality(String),
    sdk_version LowCardinality(String),
    datacenter LowCardinality(String),
    server_version LowCardinality(String),
    key_id String,
    sent_ms UInt64,
    weight Float64,
    outcome Tuple(offered UInt32, accepted UInt32, rejected Map(String, UInt32), sampled UInt32, limited UInt32),
    events_json String
)
ENGINE = Null;

-- Partitions are days of receipt, so that a block of the log touches one or two of them however
-- late its events are, and retention drops whole parts.
CREATE TABLE IF NOT EXISTS {database}.events {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    receipt UUID,
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    weight Float64,
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    time_flag UInt8,
    ts DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    skew_ms Int64,
    event_id String,
    name LowCardinality(String),
    value Nullable(Float64),
    unit LowCardinality(String),
    attrs Map(LowCardinality(String), String),
    session_id String,
    user_id String,
    device Map(LowCardinality(String), String),
    ip_hash String,
    country LowCardinality(String),
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    device_type LowCardinality(String),
    sdk_name LowCardinality(String),
    sdk_version LowCardinality(String),
    datacenter LowCardinality(String),
    server_version LowCardinality(String)
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, name, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- `ts` arrives as text: digits (epoch ms), another number, or RFC 3339, whose "t" and "z" may be
-- small but are capitals to the engine. Fractions of a millisecond are cut off.
-- time = received - max(0, sent - ts); flagged when the device gave no usable `sent`.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_view {on_cluster} TO {database}.events AS
WITH
    toInt64(intDiv(least(i.received_ns, 9223372036854775807), 1000000)) AS received_ms,
    coalesce(
        toInt64OrNull(e.ts),
        accurateCastOrNull(floor(toFloat64OrNull(e.ts)), 'Int64'),
        toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(upper(e.ts), 3, 'UTC')),
        0) AS ts_ms,
    toInt64(least(i.sent_ms, 9000000000000000)) - ts_ms AS age_ms
SELECT
    i.org AS org,
    i.app AS app,
    toUUIDOrZero(i.receipt) AS receipt,
    fromUnixTimestamp64Milli(received_ms, 'UTC') AS received_at,
    i.weight AS weight,
    fromUnixTimestamp64Milli(received_ms - if(i.sent_ms = 0, 0, greatest(0, age_ms)), 'UTC') AS time,
    toUInt8(i.sent_ms = 0 OR age_ms < 0) AS time_flag,
    fromUnixTimestamp64Milli(ts_ms, 'UTC') AS ts,
    i.skew_ms AS skew_ms,
    e.id AS event_id,
    e.name AS name,
    e.value AS value,
    e.unit AS unit,
    e.attrs AS attrs,
    e.sessionId AS session_id,
    e.userAnonId AS user_id,
    e.device AS device,
    i.ip_hash AS ip_hash,
    i.country AS country,
    i.browser AS browser,
    i.browser_version AS browser_version,
    i.os AS os,
    i.os_version AS os_version,
    i.device AS device_type,
    i.sdk_name AS sdk_name,
    i.sdk_version AS sdk_version,
    i.datacenter AS datacenter,
    i.server_version AS server_version
FROM {database}.in_events AS i
ARRAY JOIN JSONExtract(i.events_json, 'Array(Tuple(id String, ts String, name String, value Nullable(Float64), unit String, attrs Map(String, String), sessionId String, userAnonId String, device Map(String, String)))') AS e;
