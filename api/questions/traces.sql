-- Traces that hold a matching span, the latest first. Matching spans name the traces; the summary
-- is of all their spans within the margin around the range.
SELECT
    lower(hex(trace_id)) AS id,
    argMin(service, (parent_span_id != toFixedString('', 8), time)) AS root_service,
    argMin(name, (parent_span_id != toFixedString('', 8), time)) AS root_name,
    toString(toUnixTimestamp64Nano(min(time))) AS start_ns,
    max(toUnixTimestamp64Nano(time) + duration_ns) - min(toUnixTimestamp64Nano(time)) AS duration,
    count() AS spans,
    countIf(/*is_error*/) AS errors,
    arraySort(groupUniqArray(20)(service)) AS services
FROM spans
WHERE /*around*/ AND trace_id IN
(
    SELECT trace_id FROM spans WHERE /*where*/
    GROUP BY trace_id ORDER BY max(time) DESC LIMIT /*limit*/
)
GROUP BY trace_id
ORDER BY min(time) DESC, id
