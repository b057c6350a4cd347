-- A trace for each bucket of each series, the latest first.
SELECT
    /*labels*/ AS labels,
    (intDiv(toInt64(toUnixTimestamp(time)) - /*origin*/, /*step*/) * /*step*/ + /*origin*/) * 1000 AS bucket,
    lower(hex(max(trace_id))) AS trace
FROM /*table*/
WHERE /*where*/
GROUP BY labels, bucket
ORDER BY bucket DESC, labels
LIMIT /*limit*/
