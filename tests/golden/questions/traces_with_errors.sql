SELECT
    lower(hex(trace_id)) AS id,
    argMin(service, (parent_span_id != toFixedString('', 8), time)) AS root_service,
    argMin(name, (parent_span_id != toFixedString('', 8), time)) AS root_name,
    toString(toUnixTimestamp64Nano(min(time))) AS start_ns,
    max(toUnixTimestamp64Nano(time) + duration_ns) - min(toUnixTimestamp64Nano(time)) AS duration,
    count() AS spans,
    countIf(status = 'error') AS errors,
    arraySort(groupUniqArray(20)(service)) AS services
FROM spans
WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p7:Int64}, 'UTC') AND trace_id IN
(
    SELECT trace_id FROM spans WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND service = {p4:String} AND status = {p5:String}
    GROUP BY trace_id ORDER BY max(time) DESC LIMIT {p8:UInt64}
)
GROUP BY trace_id
ORDER BY min(time) DESC, id
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795342983873
-- p3 = 1795343040123
-- p4 = 'cart'
-- p5 = 'error'
-- p6 = 1795339383873
-- p7 = 1795346640123
-- p8 = 6
