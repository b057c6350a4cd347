-- Where a metric name occurs at all. Both look-ups end at the first row.
SELECT 'events' AS source FROM (SELECT 1 FROM events_1d WHERE /*where*/ LIMIT 1)
UNION ALL
SELECT 'metrics' AS source FROM (SELECT 1 FROM metrics_1h WHERE /*where*/ LIMIT 1)
