SELECT
    event_id, app, name,
    toUnixTimestamp64Milli(time) AS time_ms,
    toUnixTimestamp64Milli(ts) AS ts_ms,
    time_flag, skew_ms,
    toUnixTimestamp64Milli(received_at) AS received_ms,
    toString(receipt) AS receipt_id,
    weight, value, unit, session_id, user_id,
    attrs, device, country, browser, browser_version, os, os_version, device_type, sdk_name, sdk_version
FROM events
WHERE org = {p0:String} AND app = {p1:String} AND event_id = {p2:String}
ORDER BY received_ms DESC, receipt_id, time_ms
LIMIT {p3:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 'order/17'
-- p3 = 101
SELECT
    groupUniqArrayIf(path, path != '') AS paths,
    min(in_archive >= in_store AND in_store > 0) AS complete
FROM
(
    SELECT DISTINCT app, toStartOfMinute(received_at) AS minute
    FROM events
    WHERE org = {p0:String} AND app = {p1:String} AND event_id = {p2:String}
) AS received
LEFT JOIN
(
    SELECT app, minute, sum(stored) AS in_store, sum(archived) AS in_archive
    FROM ledger
    WHERE org = {p0:String} AND app = {p1:String} AND signal = 'events'
        AND minute IN (SELECT toStartOfMinute(received_at) FROM events WHERE org = {p0:String} AND app = {p1:String} AND event_id = {p2:String})
    GROUP BY app, minute
) AS accounts USING (app, minute)
LEFT JOIN
(
    SELECT path, c.app AS app, c.minute AS minute
    FROM archive_files FINAL
    ARRAY JOIN counts AS c
    WHERE state = 'live' AND signal = 'events' AND c.org = {p0:String}
        AND c.minute IN (SELECT toStartOfMinute(received_at) FROM events WHERE org = {p0:String} AND app = {p1:String} AND event_id = {p2:String})
) AS files USING (app, minute)
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 'order/17'
