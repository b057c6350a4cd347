-- One row per series: its labels, its points in order of time, what it counts in all (the largest
-- series first), and whether any of it was sampled. Buckets without rows do not occur.
SELECT
    /*labels*/ AS labels,
    arraySort(point -> point.1, groupArray(tuple(bucket/*aggregates*/))) AS points,
    sum(bucket_count) AS total,
    max(bucket_sampled) AS sampled/*kinds*/
FROM
(
    SELECT
        /*bucket*/ AS bucket,
        /*columns*/,
        /*total*/ AS bucket_count,
        /*sampled*/ AS bucket_sampled/*bucket_kinds*/
    FROM /*rows*/
    WHERE /*where*//*largest*/
    GROUP BY /*group_by*/
)
GROUP BY labels
ORDER BY total DESC, labels
LIMIT /*limit*/
