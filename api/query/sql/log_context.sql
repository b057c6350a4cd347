-- Records on one side of a record. The inner query finds how far these reach and reads times only.
SELECT * FROM
(
    SELECT
        lower(hex(sipHash64(
            org, app, service, time, receipt, trace_id, span_id, severity_number, body, mapKeys(attrs), mapValues(attrs)
        ))) AS id,
        toString(toUnixTimestamp64Nano(time)) AS time_ns,
        toString(toUnixTimestamp64Nano(observed_time)) AS observed_ns,
        severity_number, severity_text, body, event_name, service,
        if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
        if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span,
        attrs, resource_attrs, scope_name, app,
        /*later*/ AS later
    FROM logs
    WHERE /*where*/ AND (logs.time, id) /*nearer*/ (/*at*/, /*record*/) AND
    (
        logs.time = /*at*/ OR (logs.time /*nearer*/ /*at*/ AND logs.time /*within*/
        (
            SELECT /*farthest*/(time) FROM
            (
                SELECT time FROM logs WHERE /*where*/ AND time /*nearer*/ /*at*/
                ORDER BY time /*direction*/ LIMIT /*limit*/
            )
        ))
    )
    ORDER BY logs.time /*direction*/, id /*direction*/
    LIMIT /*limit*/
)
