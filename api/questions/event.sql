-- Native events of one id, the latest received first.
SELECT
    event_id, app, name,
    toUnixTimestamp64Milli(time) AS time_ms,
    toUnixTimestamp64Milli(ts) AS ts_ms,
    time_flag, skew_ms,
    toUnixTimestamp64Milli(received_at) AS received_ms,
    toString(receipt) AS receipt_id,
    weight, value, unit, session_id, user_id,
    /*attributes*/, /*device*/, country, browser, browser_version, os, os_version, device_type, sdk_name, sdk_version
FROM events
WHERE /*where*/
ORDER BY received_ms DESC, receipt_id, time_ms
LIMIT /*limit*/
