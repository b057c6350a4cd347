-- One row per series: sessions by bucket and group of their first event.
SELECT
    label,
    arraySort(point -> point.1,
        groupArray((bucket, session_count, events_each, lengths[1], lengths[2], bounce_rate))) AS points,
    sum(session_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        intDiv(at - /*origin*/, /*step*/) * /*step*/ + /*origin*/ AS bucket,
        label,
        sum(weight) AS session_count,
        sum(weight * events) / session_count AS events_each,
        quantilesExactInclusive(0.5, 0.95)(until - at) AS lengths,
        sumIf(weight, views = 1) / nullIf(sumIf(weight, views > 0), 0) AS bounce_rate,
        max(sampled) AS bucket_sampled
    FROM
    (
        /*sessions*/
    )
    WHERE at >= /*since*/
    GROUP BY bucket, label
)
GROUP BY label
ORDER BY total DESC, label
LIMIT /*limit*/
