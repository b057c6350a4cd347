SELECT
    level,
    arraySort(point -> point.1, groupArray((bucket, records))) AS points,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        if(severity_number BETWEEN 1 AND 24, intDiv(severity_number + 3, 4), 0) AS level,
        intDiv(intDiv(toUnixTimestamp64Nano(time), 1000000) - {p7:Int64}, {p8:Int64}) * {p8:Int64} + {p7:Int64} AS bucket,
        sum(weight) AS records,
        max(weight != 1) AS bucket_sampled
    FROM logs
    WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND service = {p4:String} AND severity_number >= {p5:Int64} AND lower(body) LIKE {p6:String}
    GROUP BY level, bucket
)
GROUP BY level
ORDER BY level DESC
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440000
-- p3 = 1795343100000
-- p4 = 'cart'
-- p5 = 13
-- p6 = '%no%'
-- p7 = 0
-- p8 = 60000
