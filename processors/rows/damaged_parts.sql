-- Parts that the store has lost, by table and partition: rows, and since when (ms).
SELECT table, partition, sum(rows) AS rows, min(toUnixTimestamp64Milli(since)) AS since_ms
FROM damaged_parts FINAL
WHERE repaired_at = 0
GROUP BY table, partition
ORDER BY table, partition
