SELECT label, value, is_total, groups, sampled
FROM
(
    SELECT
        if(toString(dims[{p0:String}]) IN
        (
            SELECT toString(dims[{p0:String}]) AS key
            FROM events_1h
            WHERE org = {p1:String} AND app = {p2:String} AND name = {p3:String} AND time >= toDateTime({p4:Int64}, 'UTC') AND time < toDateTime({p5:Int64}, 'UTC')
            GROUP BY key
            ORDER BY (arrayMap(q -> greatest(min(value_min), least(max(value_max), q)), quantilesDDMerge(0.01, 0.950000)(value_sketch)))[1] DESC NULLS LAST, key
            LIMIT {p7:UInt64}
        ), toString(dims[{p0:String}]), {p6:String}) AS label,
        (arrayMap(q -> greatest(min(value_min), least(max(value_max), q)), quantilesDDMerge(0.01, 0.950000)(value_sketch)))[1] AS value,
        grouping(label) AS is_total,
        uniqExact(toString(dims[{p0:String}])) AS groups,
        sum(count) != sum(rows) AS sampled
    FROM events_1h
    WHERE org = {p1:String} AND app = {p2:String} AND name = {p3:String} AND time >= toDateTime({p4:Int64}, 'UTC') AND time < toDateTime({p5:Int64}, 'UTC')
    GROUP BY GROUPING SETS ((label), ())
)
ORDER BY is_total DESC, label = {p6:String}, value DESC NULLS LAST, label
-- p0 = 'page'
-- p1 = 'acme'
-- p2 = 'shop'
-- p3 = 'lcp'
-- p4 = 1795255200
-- p5 = 1795345200
-- p6 = '__other__'
-- p7 = 10
