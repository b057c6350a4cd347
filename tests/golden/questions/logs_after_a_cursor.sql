SELECT
    leftPad(lower(hex(sipHash64(
    org, app, service, logs.time, observed_time, receipt, trace_id, span_id, severity_number, severity_text,
    body, event_name, flags, scope_name, mapKeys(attrs), mapValues(attrs), mapKeys(resource_attrs),
    mapValues(resource_attrs)
))), 16, '0') AS id,
toString(toUnixTimestamp64Nano(logs.time)) AS time_ns,
toString(toUnixTimestamp64Nano(observed_time)) AS observed_ns,
severity_number, severity_text, body, event_name, service,
if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span,
attrs, resource_attrs, scope_name, app
FROM logs
WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND service = {p4:String} AND
(
    logs.time = fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR logs.time < fromUnixTimestamp64Nano({p5:Int64}, 'UTC') AND logs.time >=
    (
        SELECT min(time) FROM
        (
            SELECT time FROM logs WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND service = {p4:String} AND logs.time < fromUnixTimestamp64Nano({p5:Int64}, 'UTC') ORDER BY time DESC LIMIT {p7:UInt64}
        )
    )
)
AND (logs.time != fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR id >= {p6:String})
ORDER BY logs.time DESC, id
LIMIT {p7:UInt64} OFFSET {p8:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440123
-- p3 = 1795343040123
-- p4 = 'cart'
-- p5 = 1795343040123456789
-- p6 = '9f86d081884c7d65'
-- p7 = 51
-- p8 = 2
