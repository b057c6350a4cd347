SELECT
    emptyArrayString() AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket, a0))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        roundDown(toInt64(toUnixTimestamp(time)), {p6:Array(Int64)}) * 1000 AS bucket,
        sum(count) / transform(bucket, {p7:Array(Int64)}, {p8:Array(Int64)}, 1) AS a0,
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
-- p4 = 1788213600
-- p5 = 1796079600
-- p6 = '[1788213600,1790805600,1793487600,1796079600]'
-- p7 = '[1788213600000,1790805600000,1793487600000]'
-- p8 = '[2592000,2682000,1855440]'
