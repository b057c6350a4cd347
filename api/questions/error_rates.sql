-- Errors and what they are measured against: of all (first), and by release.
SELECT
    grouping(release) AS is_total,
    release,
    sumIf(count, is_error) AS errors,
    sumIf(count, is_against) AS against,
    sum(count) != sum(rows) AS sampled
FROM
(
    SELECT
        toString(dims['release']) AS release,
        /*is_error*/ AS is_error,
        /*is_against*/ AS is_against,
        count,
        rows
    FROM /*table*/
    WHERE /*where*/
)
WHERE is_error OR is_against
GROUP BY GROUPING SETS ((release), ())
ORDER BY is_total DESC, errors DESC, release
LIMIT /*limit*/
