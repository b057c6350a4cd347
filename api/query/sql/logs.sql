-- A page of log records. The inner query finds how far back the page reaches and reads only what
-- the conditions need; the outer one reads whole rows of that stretch. Records of one nanosecond
-- are ordered by `id`, a hash of what tells them apart.
SELECT
    lower(hex(sipHash64(
        org, app, service, time, receipt, trace_id, span_id, severity_number, body, mapKeys(attrs), mapValues(attrs)
    ))) AS id,
    toString(toUnixTimestamp64Nano(time)) AS time_ns,
    toString(toUnixTimestamp64Nano(observed_time)) AS observed_ns,
    severity_number, severity_text, body, event_name, service,
    if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
    if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span,
    attrs, resource_attrs, scope_name, app
FROM logs
WHERE /*where*/ AND logs.time /*beyond*/
(
    SELECT /*edge*/(time) FROM
    (
        SELECT time FROM logs WHERE /*where*/ ORDER BY time /*direction*/ LIMIT /*reach*/
    )
)
ORDER BY logs.time /*direction*/, id
LIMIT /*limit*/ OFFSET /*skip*/
