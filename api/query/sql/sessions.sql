-- One row per series: sessions by bucket and group of their first event. Events of one key are put
-- in order and cut where they lie more than the gap apart.
SELECT
    label,
    arraySort(point -> point.1, groupArray((bucket, session_count, events_each, lengths[1], lengths[2], bounce_rate))) AS points,
    sum(session_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        intDiv(session[1].1 - /*origin*/, /*step*/) * /*step*/ + /*origin*/ AS bucket,
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
            arrayJoin(arraySplit((event, silence) -> silence > /*gap*/, events,
                arrayDifference(arrayMap(event -> event.1, events)))) AS session
        FROM
        (
            SELECT
                /*key*/ AS key,
                toUnixTimestamp64Milli(time) AS at,
                toUnixTimestamp64Milli(ts) AS device_at,
                /*group*/ AS label,
                name = /*view*/ AS is_view,
                weight
            FROM events
            WHERE /*where*/
        )
        GROUP BY key
        )
    )
    WHERE session[1].1 >= /*since*/
    GROUP BY bucket, label
)
GROUP BY label
ORDER BY total DESC, label
LIMIT /*limit*/
