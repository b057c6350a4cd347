SELECT
    [g0, g1] AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket, levels[1], a1))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        (intDiv(toInt64(toUnixTimestamp(time)) - {p14:Int64}, {p15:Int64}) * {p15:Int64} + {p14:Int64}) * 1000 AS bucket,
        dims[{p0:String}] AS g0,
        dims[{p1:String}] AS g1,
        sum(count) AS a1,
        arrayMap(q -> greatest(min(value_min), least(max(value_max), q)), quantilesDDMerge(0.01, 0.950000)(value_sketch)) AS levels,
        sum(count) AS bucket_count,
        sum(count) != sum(rows) AS bucket_sampled
    FROM events_1m
    WHERE org = {p3:String} AND name = {p4:String} AND time >= toDateTime({p5:Int64}, 'UTC') AND time < toDateTime({p6:Int64}, 'UTC') AND dims[{p0:String}] != {p7:String} AND dims[{p8:String}] IN ({p9:String}, {p10:String}) AND dims[{p11:String}] = '' AND match(dims[{p12:String}], concat('^(?:', {p13:String}, ')$'))
    AND (dims[{p0:String}], dims[{p1:String}]) IN
    (
        SELECT dims[{p0:String}], dims[{p1:String}]
        FROM events_1m
        WHERE org = {p3:String} AND name = {p4:String} AND time >= toDateTime({p5:Int64}, 'UTC') AND time < toDateTime({p6:Int64}, 'UTC') AND dims[{p0:String}] != {p7:String} AND dims[{p8:String}] IN ({p9:String}, {p10:String}) AND dims[{p11:String}] = '' AND match(dims[{p12:String}], concat('^(?:', {p13:String}, ')$'))
        GROUP BY dims[{p0:String}], dims[{p1:String}]
        ORDER BY sum(count) DESC, dims[{p0:String}], dims[{p1:String}]
        LIMIT {p2:UInt64}
    )
    GROUP BY g0, g1, bucket
)
GROUP BY labels
ORDER BY total DESC, labels
LIMIT {p2:UInt64}
-- p0 = 'country'
-- p1 = 'release'
-- p2 = 11
-- p3 = 'acme'
-- p4 = 'lcp'
-- p5 = 1795339440
-- p6 = 1795343100
-- p7 = 'US'
-- p8 = 'device'
-- p9 = 'mobile'
-- p10 = 'tablet'
-- p11 = 'error'
-- p12 = 'page'
-- p13 = '/product/.*'
-- p14 = 0
-- p15 = 60
