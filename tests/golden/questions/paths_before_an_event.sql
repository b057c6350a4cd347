SELECT
    steps,
    sum(weight) AS sessions,
    sum(sessions) OVER () AS total,
    max(max(sampled)) OVER () AS any_sampled
FROM
(
    SELECT
        arrayMap(event -> event.3, session) AS nodes,
        arrayLastIndex(event -> event.3 = {p5:String}, session) AS place,
        arraySlice(arrayReverse(arraySlice(nodes, 1, place - 1)), 1, {p4:Int64}) AS steps,
        session[1].4 AS weight,
        arrayExists(event -> event.4 != 1, session) AS sampled
    FROM
    (
        SELECT
            arraySort(groupArray((at, device_at, node, weight))) AS events,
            arrayJoin(arraySplit((event, silence) -> silence > {p6:Int64}, events,
                arrayDifference(arrayMap(event -> event.1, events)))) AS session
        FROM
        (
            SELECT
                if(session_id != '', concat('s', session_id), concat('u', user_id)) AS key,
                toUnixTimestamp64Milli(time) AS at,
                toUnixTimestamp64Milli(ts) AS device_at,
                toString(name) AS node,
                weight
            FROM events
            WHERE org = {p2:String} AND app = {p3:String} AND received_at >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND (user_id != '' OR session_id != '')
        )
        GROUP BY key
    )
    WHERE place > 0
)
GROUP BY steps
ORDER BY sessions DESC, steps
LIMIT {p7:UInt64}
-- p0 = 1795256640000
-- p1 = 1795343100000
-- p2 = 'acme'
-- p3 = 'shop'
-- p4 = 4
-- p5 = 'pay'
-- p6 = 1800000
-- p7 = 21
