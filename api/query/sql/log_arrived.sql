-- The records of some requests, in order of their arrival; `id` as in a search.
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
    toUnixTimestamp64Milli(received_at) AS received_ms, toString(receipt) AS request
FROM logs
WHERE /*where*/
  AND receipt IN (SELECT toUUID(arrayJoin(splitByChar(',', /*receipts*/))))
ORDER BY received_ms, request, logs.time, id
LIMIT /*limit*/
