-- One row per level, the most severe first: records by bucket.
SELECT
    level,
    arraySort(point -> point.1, groupArray((bucket, records))) AS points,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        if(severity_number BETWEEN 1 AND 24, intDiv(severity_number + 3, 4), 0) AS level,
        /*bucket*/ AS bucket,
        sum(weight) AS records,
        max(weight != 1) AS bucket_sampled
    FROM logs
    WHERE /*where*/
    GROUP BY level, bucket
)
GROUP BY level
ORDER BY level DESC
