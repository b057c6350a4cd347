SELECT
    toString(service) AS called,
    toString(operation) AS doing,
    sum(count) AS calls,
    sum(errors) AS failed,
    sum(duration_sum) / calls / 1e6 AS mean_ms,
    max(duration_max) / 1e6 AS max_ms,
    arrayMap(ns -> ns / 1e6, arrayMap(q -> greatest(toFloat64(min(duration_min)), least(toFloat64(max(duration_max)), q)), quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(duration_sketch))) AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    sum(count) != sum(rows) AS sampled
FROM spans_1h
WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC') AND service = {p4:String} AND kind IN ({p5:String}, {p6:String})
GROUP BY called, doing
ORDER BY calls DESC, called, doing
LIMIT {p7:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795255200
-- p3 = 1795345200
-- p4 = 'cart'
-- p5 = 'consumer'
-- p6 = 'server'
-- p7 = 101
