SELECT
    emptyArrayString() AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket, a0, a1, a2, a3, a4, a5, levels[1], levels[2], a8))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        (intDiv(toInt64(toUnixTimestamp(time)) - {p6:Int64}, {p7:Int64}) * {p7:Int64} + {p6:Int64}) * 1000 AS bucket,
        sum(count) AS a0,
        if(sum(value_count) = 0, NULL, sum(value_sum)) AS a1,
        sum(value_sum) / nullIf(sum(value_count), 0) AS a2,
        min(value_min) AS a3,
        max(value_max) AS a4,
        sum(count) / if(bucket = {p8:Int64}, {p9:Int64}, 3600) AS a5,
        least(uniqCombinedMerge(19)(users), sum(rows)) AS a8,
        arrayMap(q -> greatest(min(value_min), least(max(value_max), q)), quantilesDDMerge(0.01, 0.500000, 0.999000)(value_sketch)) AS levels,
        sum(count) AS bucket_count,
        sum(count) != sum(rows) AS bucket_sampled
    FROM events_1h
    WHERE org = {p1:String} AND app = {p2:String} AND name = {p3:String} AND time >= toDateTime({p4:Int64}, 'UTC') AND time < toDateTime({p5:Int64}, 'UTC')
    GROUP BY bucket
)
GROUP BY labels
ORDER BY total DESC, labels
LIMIT {p0:UInt64}
-- p0 = 51
-- p1 = 'acme'
-- p2 = 'shop'
-- p3 = 'lcp'
-- p4 = 1795255200
-- p5 = 1795345200
-- p6 = 0
-- p7 = 3600
-- p8 = 1795341600000
-- p9 = 1440
