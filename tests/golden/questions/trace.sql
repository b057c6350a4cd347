SELECT
    lower(hex(span_id)) AS span,
    if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) AS parent,
    name, service, kind,
    toString(toUnixTimestamp64Nano(time)) AS start_ns,
    duration_ns, status, status_message, trace_state,
    attrs, resource_attrs, scope_name, scope_version,
    arrayMap((t, n, a) -> (toString(toUnixTimestamp64Nano(t)), n, a), events.time, events.name, events.attrs)
        AS span_events,
    arrayMap((t, s, ts, a) -> (lower(hex(t)), lower(hex(s)), ts, a),
        links.trace_id, links.span_id, links.trace_state, links.attrs) AS span_links,
    app
FROM spans
WHERE org = {p0:String} AND app = {p1:String} AND trace_id = toFixedString(unhex({p2:String}), 16)
ORDER BY time, span
LIMIT {p3:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = '4bf92f3577b34da6a3ce929d0e0e4736'
-- p3 = 20001
