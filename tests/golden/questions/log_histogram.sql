SELECT
    level,
    arraySort(point -> point.1, groupArray((bucket, records))) AS points,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        if(severity_number BETWEEN 1 AND 24, intDiv(severity_number + 3, 4), 0) AS level,
        intDiv(intDiv(toUnixTimestamp64Nano(time), 1000000) - {p0:Int64}, {p1:Int64}) * {p1:Int64} + {p0:Int64} AS bucket,
        sum(weight) AS records,
        max(weight != 1) AS bucket_sampled
    FROM logs
    WHERE org = {p2:String} AND app = {p3:String} AND time >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND service = {p6:String} AND severity_number >= {p7:Int64} AND lower(body) LIKE {p8:String}
    GROUP BY level, bucket
)
GROUP BY level
ORDER BY level DESC
-- p0 = 0
-- p1 = 60000
-- p2 = 'acme'
-- p3 = 'shop'
-- p4 = 1795339440000
-- p5 = 1795343100000
-- p6 = 'cart'
-- p7 = 13
-- p8 = '%no%'
