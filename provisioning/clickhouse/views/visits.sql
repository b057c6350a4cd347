-- Visits out of events. Events of nobody are left out, and so are those whose time is before 1970 or after 2106,
-- which no question reaches.
-- Dimensions are looked up by position, because looking a key up by name reads the whole map. `place` is one
-- number, 64 bits each: the time, the device's clock (which may be before 1970), the weight and `tie`.
--: tie = cityHash64(e.receipt, e.name, e.event_id)
--: clock = bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(e.ts)), 9223372036854775808)
--: place = bitOr(
--:     bitOr(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(e.time)), 192), bitShiftLeft(toUInt256({clock}), 128)),
--:     bitOr(bitShiftLeft(toUInt256(reinterpretAsUInt64(e.weight)), 64), toUInt256({tie})))
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.visits_15m_view {on_cluster} TO {database}.visits_15m AS
WITH
    (k -> e.attrs.values[indexOf(e.attrs.keys, k)]) AS attr,
    (k -> e.device.values[indexOf(e.device.keys, k)]) AS device_attr
SELECT
    e.org AS org, e.app AS app, toDate(e.received_at) AS received_on,
    toDateTime(intDiv(toUnixTimestamp64Milli(e.time), 900000) * 900, 'UTC') AS slot,
    sipHash128(if(e.session_id != '', concat('s', e.session_id), concat('u', e.user_id))) AS key,
    argMin((e.time, e.ts, e.weight, {tie}, toString(e.name), {session_dimension_columns}), {place}) AS first,
    max(e.time) AS last,
    count() AS events,
    countIf(e.name = 'page_view') AS views,
    max(e.weight != 1) AS sampled
FROM {database}.events AS e
WHERE (e.session_id != '' OR e.user_id != '')
    AND e.time >= toDateTime64(0, 3, 'UTC') AND e.time < toDateTime64(4294966500, 3, 'UTC')
GROUP BY org, app, received_on, slot, key;
