SELECT label, value, is_total, groups, sampled
FROM
(
    SELECT
        if(if(mapContains(attrs, {p0:String}), attrs[{p0:String}], device[{p0:String}]) IN
        (
            SELECT if(mapContains(attrs, {p0:String}), attrs[{p0:String}], device[{p0:String}]) AS key
            FROM events
            WHERE org = {p3:String} AND app = {p4:String} AND received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND name = {p5:String}
            GROUP BY key
            ORDER BY if(countIf(value IS NOT NULL) = 0, NULL, sum(weight * ifNull(value, 0))) DESC NULLS LAST, key
            LIMIT {p7:UInt64}
        ), if(mapContains(attrs, {p0:String}), attrs[{p0:String}], device[{p0:String}]), {p6:String}) AS label,
        if(countIf(value IS NOT NULL) = 0, NULL, sum(weight * ifNull(value, 0))) AS value,
        grouping(label) AS is_total,
        uniqExact(if(mapContains(attrs, {p0:String}), attrs[{p0:String}], device[{p0:String}])) AS groups,
        max(weight != 1) AS sampled
    FROM events
    WHERE org = {p3:String} AND app = {p4:String} AND received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND name = {p5:String}
    GROUP BY GROUPING SETS ((label), ())
)
ORDER BY is_total DESC, label = {p6:String}, value DESC NULLS LAST, label
-- p0 = 'plan'
-- p1 = 1795256640000
-- p2 = 1795343100000
-- p3 = 'acme'
-- p4 = 'shop'
-- p5 = 'pay'
-- p6 = '__other__'
-- p7 = 10
