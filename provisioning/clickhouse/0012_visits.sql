-- Visits: one row for each quarter of an hour in which somebody did something, so that a question about
-- sessions does not have to look through all events.
-- {aggregating_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts
-- there (embedded: AggregatingMergeTree, non_replicated_deduplication_window; server:
-- ReplicatedAggregatingMergeTree(path, replica), replicated_deduplication_window with its _seconds,
-- ON CLUSTER).
--
-- Events of one key in one slot lie less than 15 minutes apart, so wherever sessions are cut (gaps of
-- 15 minutes and more), they are in one. `key` is a hash of what api/query/sessions.py takes for one
-- session (two fall together with a probability of 2^-128); events of nobody are left out, and so are
-- those whose time is before 1970 or after 2106, which no question reaches. `first` is the first event: the
-- smallest by (time, device's clock, weight, a hash of receipt, name and event's id), which does not depend
-- on blocks. Its dimensions are looked up by position, because looking a key up by name reads the whole map.
-- Partitions are days of receipt, like those of raw rows: sent times can be any, and a sender with a
-- wild clock must not make a part for each of them.
--
-- The table begins empty. In a store that has events already, `visits_since` says when, with a quarter of
-- an hour for clocks that differ; what is of that slot or earlier is read from the raw rows
-- (api/query/sql/sessions_rolled.sql), until those have expired. No event is later than its receipt, so
-- later slots are whole, and a block that the store had taken before, and is sent again, is not of them.
--: key = sipHash128(if(e.session_id != '', concat('s', e.session_id), concat('u', e.user_id)))
--: slot = toDateTime(intDiv(toUnixTimestamp64Milli(e.time), 900000) * 900, 'UTC')
--: tie = cityHash64(e.receipt, e.name, e.event_id)
--: order = bitOr(bitOr(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(e.time)), 192), bitShiftLeft(toUInt256(bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(e.ts)), 9223372036854775808)), 128)), bitOr(bitShiftLeft(toUInt256(reinterpretAsUInt64(e.weight)), 64), toUInt256({tie})))
--: d_country = if(e.attrs.values[indexOf(e.attrs.keys, 'country')] != '', e.attrs.values[indexOf(e.attrs.keys, 'country')], toString(e.country))
--: d_device = if(e.attrs.values[indexOf(e.attrs.keys, 'device')] != '', e.attrs.values[indexOf(e.attrs.keys, 'device')], toString(e.device_type))
--: d_browser = if(e.attrs.values[indexOf(e.attrs.keys, 'browser')] != '', e.attrs.values[indexOf(e.attrs.keys, 'browser')], toString(e.browser))
--: d_os = if(e.attrs.values[indexOf(e.attrs.keys, 'os')] != '', e.attrs.values[indexOf(e.attrs.keys, 'os')], if(e.device.values[indexOf(e.device.keys, 'os')] != '', e.device.values[indexOf(e.device.keys, 'os')], toString(e.os)))
--: d_release = if(e.attrs.values[indexOf(e.attrs.keys, 'release')] != '', e.attrs.values[indexOf(e.attrs.keys, 'release')], if(e.attrs.values[indexOf(e.attrs.keys, 'app_version')] != '', e.attrs.values[indexOf(e.attrs.keys, 'app_version')], e.attrs.values[indexOf(e.attrs.keys, 'service.version')]))
--: d_page = if(e.attrs.values[indexOf(e.attrs.keys, 'page')] != '', e.attrs.values[indexOf(e.attrs.keys, 'page')], e.attrs.values[indexOf(e.attrs.keys, 'url.path')])
--: d_platform = e.attrs.values[indexOf(e.attrs.keys, 'platform')]
--: first = argMin((e.time, e.ts, e.weight, {tie}, toString(e.name), {d_country}, {d_device}, {d_browser}, {d_os}, {d_release}, {d_page}, {d_platform}), {order}) AS first
--: measures = {first}, max(e.time) AS last, count() AS events, countIf(e.name = 'page_view') AS views, max(e.weight != 1) AS sampled
--: counted = (e.session_id != '' OR e.user_id != '') AND e.time >= toDateTime64(0, 3, 'UTC') AND e.time < toDateTime64(4294966500, 3, 'UTC')

CREATE TABLE IF NOT EXISTS {database}.visits_15m {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    received_on Date,
    slot DateTime('UTC') CODEC(Delta, LZ4),
    key FixedString(16),
    first SimpleAggregateFunction(min, Tuple(time DateTime64(3, 'UTC'), ts DateTime64(3, 'UTC'), weight Float64, tie UInt64, name String, country String, device String, browser String, os String, release String, page String, platform String)),
    last SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    events SimpleAggregateFunction(sum, UInt64),
    views SimpleAggregateFunction(sum, UInt64),
    sampled SimpleAggregateFunction(max, UInt8)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY received_on
ORDER BY (org, app, slot, key)
TTL received_on + INTERVAL 31 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {database}.visits_since {on_cluster}
(
    since DateTime('UTC')
)
ENGINE = {merge_tree}
PARTITION BY tuple()
ORDER BY (since)
TTL since + INTERVAL 32 DAY
SETTINGS {deduplication};

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.visits_15m_view {on_cluster} TO {database}.visits_15m AS
SELECT
    e.org AS org, e.app AS app, toDate(e.received_at) AS received_on, {slot} AS slot, {key} AS key,
    {measures}
FROM {database}.events AS e
WHERE {counted}
GROUP BY org, app, received_on, slot, key;

INSERT INTO {database}.visits_since (since)
SELECT now('UTC') + INTERVAL 15 MINUTE FROM {database}.events LIMIT 1;
