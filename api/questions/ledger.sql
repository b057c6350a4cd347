-- The ledger by buckets of the minute of receipt, apps and signals.
SELECT
    sum(offered), sum(accepted), sumMap(rejected), sum(sampled), sum(limited), sum(duplicate), sum(dead_lettered),
    sum(requests), sum(stored), sum(archived), sum(dead_letters), sumMap(request_rejections),
    /*bucket*/ AS bucket,
    app, signal
FROM ledger
WHERE /*where*/
GROUP BY bucket, app, signal
ORDER BY bucket, app, signal
LIMIT /*limit*/
