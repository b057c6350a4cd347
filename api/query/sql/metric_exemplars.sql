-- The exemplar of the largest value for each bucket of each series, the latest first.
SELECT
    /*labels*/ AS labels,
    /*bucket*/ AS bucket,
    lower(hex(argMax(trace_id, value))) AS trace,
    max(value) AS largest
FROM metric_points
ARRAY JOIN exemplars.trace_id AS trace_id, arrayMap(v -> ifNull(v, 0), exemplars.value) AS value
WHERE /*where*/ AND trace_id != toFixedString('', 16)
GROUP BY labels, bucket
ORDER BY bucket DESC, labels
LIMIT /*limit*/
