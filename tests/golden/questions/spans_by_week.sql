SELECT
    [g0, g1] AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket, a0, levels[1]))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        (intDiv(toInt64(toUnixTimestamp(time)) - {p4:Int64}, {p5:Int64}) * {p5:Int64} + {p4:Int64}) * 1000 AS bucket,
        service AS g0,
        status AS g1,
        sum(duration_sum) / nullIf(sum(count), 0) / 1e6 AS a0,
        arrayMap(ns -> ns / 1e6, arrayMap(q -> greatest(toFloat64(min(duration_min)), least(toFloat64(max(duration_max)), q)), quantilesDDMerge(0.01, 0.950000)(duration_sketch))) AS levels,
        sum(count) AS bucket_count,
        sum(count) != sum(rows) AS bucket_sampled
    FROM spans_1h
    WHERE org = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC')
    AND (service, status) IN
    (
        SELECT service, status
        FROM spans_1h
        WHERE org = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC')
        GROUP BY service, status
        ORDER BY sum(count) DESC, service, status
        LIMIT {p0:UInt64}
    )
    GROUP BY g0, g1, bucket
)
GROUP BY labels
ORDER BY total DESC, labels
LIMIT {p0:UInt64}
-- p0 = 51
-- p1 = 'acme'
-- p2 = 1789948800
-- p3 = 1795392000
-- p4 = 345600
-- p5 = 604800
