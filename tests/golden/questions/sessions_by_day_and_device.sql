SELECT
    label,
    arraySort(point -> point.1, groupArray((bucket, session_count, events_each, lengths[1], lengths[2], bounce_rate))) AS points,
    sum(session_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        intDiv(session[1].1 - {p4:Int64}, {p5:Int64}) * {p5:Int64} + {p4:Int64} AS bucket,
        session[1].3 AS label,
        sum(weight) AS session_count,
        sum(weight * length(session)) / session_count AS events_each,
        quantilesExactInclusive(0.5, 0.95)(session[-1].1 - session[1].1) AS lengths,
        sumIf(weight, views = 1) / nullIf(sumIf(weight, views > 0), 0) AS bounce_rate,
        max(arrayExists(event -> event.5 != 1, session)) AS bucket_sampled
    FROM
    (
        SELECT
            session,
            session[1].5 AS weight,
            arrayCount(event -> event.4 = 1, session) AS views
        FROM
        (
        SELECT
            arraySort(groupArray((at, device_at, label, is_view, weight))) AS events,
            arrayJoin(arraySplit((event, silence) -> silence > {p6:Int64}, events,
                arrayDifference(arrayMap(event -> event.1, events)))) AS session
        FROM
        (
            SELECT
                if(session_id != '', concat('s', session_id), concat('u', user_id)) AS key,
                toUnixTimestamp64Milli(time) AS at,
                toUnixTimestamp64Milli(ts) AS device_at,
                if(attrs['device'] != '', attrs['device'], toString(device_type)) AS label,
                name = {p7:String} AS is_view,
                weight
            FROM events
            WHERE org = {p2:String} AND app = {p3:String} AND received_at >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND (user_id != '' OR session_id != '')
        )
        GROUP BY key
        )
    )
    WHERE session[1].1 >= {p8:Int64}
    GROUP BY bucket, label
)
GROUP BY label
ORDER BY total DESC, label
LIMIT {p9:UInt64}
-- p0 = 1794699000000
-- p1 = 1795392000000
-- p2 = 'acme'
-- p3 = 'shop'
-- p4 = 0
-- p5 = 86400000
-- p6 = 1800000
-- p7 = 'page_view'
-- p8 = 1794700800000
-- p9 = 51
