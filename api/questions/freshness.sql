-- One row per app and signal: items of the last window, of the window before, and the newest minute with any.
SELECT
    app, signal,
    sumIf(accepted, minute >= toDateTime(/*last*/, 'UTC')) AS items,
    sumIf(accepted, minute >= toDateTime(/*before*/, 'UTC') AND minute < toDateTime(/*last*/, 'UTC')) AS items_before,
    toInt64(toUnixTimestamp(maxIf(minute, accepted > 0))) * 1000 AS newest
FROM ledger
WHERE /*where*/
GROUP BY app, signal
HAVING newest > 0
ORDER BY app, signal
LIMIT /*limit*/
