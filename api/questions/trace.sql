-- Every span of one trace, in order of their start.
SELECT
    lower(hex(span_id)) AS span,
    if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) AS parent,
    name, service, kind,
    toString(toUnixTimestamp64Nano(time)) AS start_ns,
    duration_ns, status, status_message, trace_state,
    /*attributes*/,
    /*resource_attributes*/,
    scope_name, scope_version,
    arrayMap((t, n, m, l) -> (toString(toUnixTimestamp64Nano(t)), n, /*nested*/),
        events.time, events.name, events.attrs, events.attr_types) AS span_events,
    arrayMap((t, s, ts, m, l) -> (lower(hex(t)), lower(hex(s)), ts, /*nested*/),
        links.trace_id, links.span_id, links.trace_state, links.attrs, links.attr_types) AS span_links,
    app
FROM spans
WHERE /*where*/
ORDER BY time, span
LIMIT /*limit*/
