-- The most frequent paths; what they are a part of is summed over all of them.
SELECT
    steps,
    sum(weight) AS sessions,
    sum(sessions) OVER () AS total,
    max(max(sampled)) OVER () AS any_sampled
FROM
(
    SELECT
        arrayMap(event -> event.3, session) AS nodes,
        /*place*/ AS place,
        /*steps*/ AS steps,
        session[1].4 AS weight,
        arrayExists(event -> event.4 != 1, session) AS sampled
    FROM
    (
        SELECT
            arraySort(groupArray((at, device_at, node, weight))) AS events,
            arrayJoin(arraySplit((event, silence) -> silence > /*gap*/, events,
                arrayDifference(arrayMap(event -> event.1, events)))) AS session
        FROM
        (
            SELECT
                /*key*/ AS key,
                toUnixTimestamp64Milli(time) AS at,
                toUnixTimestamp64Milli(ts) AS device_at,
                /*node*/ AS node,
                weight
            FROM events
            WHERE /*where*/
        )
        GROUP BY key
    )
    WHERE place > 0
)
GROUP BY steps
ORDER BY sessions DESC, steps
LIMIT /*limit*/
