-- A trace for each bucket of each series, the latest first.
SELECT
    /*labels*/ AS labels,
    /*bucket*/ AS bucket,
    lower(hex(max(trace_id))) AS trace
FROM /*table*/
WHERE /*where*/
GROUP BY labels, bucket
ORDER BY bucket DESC, labels
LIMIT /*limit*/
