-- Rows of a file by org, app, minute and key, with their first and last times (ms).
SELECT org, app, toUnixTimestamp(toStartOfMinute(received_at)) AS minute, key_id, count() AS rows,
    toUnixTimestamp64Milli(min(received_at)) AS a,
    toUnixTimestamp64Milli(max(received_at)) AS b,
    toUnixTimestamp64Milli(toDateTime64(min(time), 3)) AS c,
    toUnixTimestamp64Milli(toDateTime64(max(time), 3)) AS d
FROM {source}
GROUP BY org, app, minute, key_id
ORDER BY ALL;
