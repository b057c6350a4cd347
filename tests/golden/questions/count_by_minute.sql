SELECT
    emptyArrayString() AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket, a0))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        (intDiv(toInt64(toUnixTimestamp(time)) - {p5:Int64}, {p6:Int64}) * {p6:Int64} + {p5:Int64}) * 1000 AS bucket,
        sum(count) AS a0,
        sum(count) AS bucket_count,
        sum(count) != sum(rows) AS bucket_sampled
    FROM events_1m
    WHERE org = {p1:String} AND name = {p2:String} AND time >= toDateTime({p3:Int64}, 'UTC') AND time < toDateTime({p4:Int64}, 'UTC')
    GROUP BY bucket
)
GROUP BY labels
ORDER BY total DESC, labels
LIMIT {p0:UInt64}
-- p0 = 51
-- p1 = 'acme'
-- p2 = 'lcp'
-- p3 = 1795339440
-- p4 = 1795343100
-- p5 = 0
-- p6 = 60
