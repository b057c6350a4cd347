SELECT
    table, partition, part, what, rows,
    toUnixTimestamp64Milli(first) AS first_ms, toUnixTimestamp64Milli(last) AS last_ms,
    toUnixTimestamp64Milli(since) AS since_ms, toUnixTimestamp64Milli(repaired_at) AS repaired_ms
FROM damaged_parts FINAL
WHERE repaired_at = toDateTime64(0, 3) OR repaired_at > now64(3, 'UTC') - INTERVAL 1 DAY
ORDER BY since
LIMIT 10000
