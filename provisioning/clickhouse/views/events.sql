-- Events out of the JSON of their batches.
-- `ts` arrives as text: digits (epoch ms), another number, or RFC 3339, whose "t" and "z" may be small but are
-- capitals to the engine. Fractions of a millisecond are cut off.
-- time = received - max(0, sent - ts); flagged with 1 when the device gave no usable `sent`. The collector flags
-- with 2 a time in another unit than milliseconds, and with 4 one that it gave itself.
--: event_type = Tuple(id String, ts String, name String, value Nullable(Float64), unit String,
--:     attrs Map(String, String), sessionId String, userAnonId String, device Map(String, String),
--:     timeFlag UInt8, attrTypes String, deviceTypes String)
--: of_event = [e.{name} AS {name} for name in name, value, unit, attrs, device]
--: of_envelope = [i.{name} AS {name} for name in org, app, weight, key_id, skew_ms, ip_hash, country, browser,
--:     browser_version, os, os_version, sdk_name, sdk_version, datacenter, server_version]
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_view {on_cluster} TO {database}.events AS
WITH
    {received_ms} AS received_ms,
    coalesce(
        toInt64OrNull(e.ts),
        accurateCastOrNull(floor(toFloat64OrNull(e.ts)), 'Int64'),
        toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(upper(e.ts), 3, 'UTC')),
        0) AS ts_ms,
    toInt64(least(i.sent_ms, 9000000000000000)) - ts_ms AS age_ms
SELECT
    {receipt} AS receipt,
    fromUnixTimestamp64Milli(received_ms, 'UTC') AS received_at,
    fromUnixTimestamp64Milli(received_ms - if(i.sent_ms = 0, 0, greatest(0, age_ms)), 'UTC') AS time,
    bitOr(toUInt8(i.sent_ms = 0 OR age_ms < 0), e.timeFlag) AS time_flag,
    fromUnixTimestamp64Milli(ts_ms, 'UTC') AS ts,
    e.id AS event_id,
    e.attrTypes AS attr_types,
    e.deviceTypes AS device_types,
    e.sessionId AS session_id,
    e.userAnonId AS user_id,
    i.device AS device_type,
    {of_event},
    {of_envelope}
FROM {database}.in_events AS i
ARRAY JOIN JSONExtract(i.events_json, 'Array({event_type})') AS e;
