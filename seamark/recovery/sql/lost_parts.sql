-- What the store says it lost and was not filled in again.
SELECT table, partition, count() AS n, sum(p.rows) AS rows
FROM {database}.damaged_parts AS p FINAL
WHERE repaired_at = toDateTime64(0, 3, 'UTC')
GROUP BY table, partition
ORDER BY table, partition;
