leftPad(lower(hex(sipHash64(
    org, app, service, logs.time, observed_time, receipt, trace_id, span_id, severity_number, severity_text,
    body, event_name, flags, scope_name, mapKeys(attrs), mapValues(attrs), attr_types,
    mapKeys(resource_attrs), mapValues(resource_attrs), resource_attr_types
))), 16, '0') AS id,
toString(toUnixTimestamp64Nano(logs.time)) AS time_ns,
toString(toUnixTimestamp64Nano(observed_time)) AS observed_ns,
severity_number, severity_text, body, event_name, service,
if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span,
/*attributes*/ AS typed_attrs,
/*resource_attributes*/ AS typed_resource_attrs,
scope_name, app
