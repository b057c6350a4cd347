SELECT
    * EXCEPT (copy), 0 AS later, copy
FROM
(
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
attrs, resource_attrs, scope_name, app,
        row_number() OVER (PARTITION BY logs.time, id) AS copy
    FROM logs
    WHERE org = {p0:String} AND app = {p1:String} AND service = {p2:String} AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND
    (
        logs.time = fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR (logs.time < fromUnixTimestamp64Nano({p5:Int64}, 'UTC') AND logs.time >=
        (
            SELECT min(time) FROM
            (
                SELECT time FROM logs WHERE org = {p0:String} AND app = {p1:String} AND service = {p2:String} AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time < fromUnixTimestamp64Nano({p5:Int64}, 'UTC')
                ORDER BY time DESC LIMIT {p8:UInt64}
            )
        ))
    )
)
WHERE (toInt64(time_ns), id, copy) < ({p5:Int64}, {p6:String}, {p7:UInt64})
ORDER BY toInt64(time_ns) DESC, id DESC, copy DESC
LIMIT {p8:UInt64}
UNION ALL
SELECT
    * EXCEPT (copy), 1 AS later, copy
FROM
(
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
attrs, resource_attrs, scope_name, app,
        row_number() OVER (PARTITION BY logs.time, id) AS copy
    FROM logs
    WHERE org = {p0:String} AND app = {p1:String} AND service = {p2:String} AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND
    (
        logs.time = fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR (logs.time > fromUnixTimestamp64Nano({p5:Int64}, 'UTC') AND logs.time <=
        (
            SELECT max(time) FROM
            (
                SELECT time FROM logs WHERE org = {p0:String} AND app = {p1:String} AND service = {p2:String} AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time > fromUnixTimestamp64Nano({p5:Int64}, 'UTC')
                ORDER BY time ASC LIMIT {p8:UInt64}
            )
        ))
    )
)
WHERE (toInt64(time_ns), id, copy) > ({p5:Int64}, {p6:String}, {p7:UInt64})
ORDER BY toInt64(time_ns) ASC, id ASC, copy ASC
LIMIT {p8:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 'cart'
-- p3 = 1795339440123
-- p4 = 1795346640124
-- p5 = 1795343040123456789
-- p6 = '9f86d081884c7d65'
-- p7 = 1
-- p8 = 10
