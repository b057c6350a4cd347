SELECT table, partition, toInt64(sum(n)) AS missing FROM
(
    SELECT table, partition, -toInt64(rows) AS n FROM system.parts
    WHERE database = {database:String} AND active AND table IN ('events', 'spans', 'metric_points', 'logs')
    UNION ALL
    SELECT
        transform(signal, ['events', 'traces', 'metrics', 'logs'], ['events', 'spans', 'metric_points', 'logs'], '') AS table,
        toString(toDate(minute)) AS partition, toInt64(stored) AS n
    FROM {database:Identifier}.ledger WHERE minute >= toStartOfDay(now('UTC')) - INTERVAL 28 DAY
)
WHERE partition >= toString(toDate(toStartOfDay(now('UTC')) - INTERVAL 28 DAY))
GROUP BY table, partition
