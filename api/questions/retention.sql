-- One row per cohort: how many people began in it, and how many came back in each period after it.
SELECT
    cohort,
    count() AS people,
    sumForEach(returned) AS returned,
    max(sampled) AS sampled
FROM
(
    SELECT
        min(first_start) AS began,
        /*cohort*/ AS cohort,
        indexOf(/*starts*/, cohort) AS cohort_at,
        groupArrayIf(indexOf(/*starts*/, period), last_return >= 0) AS periods,
        groupArrayIf(last_return, last_return >= 0) AS last_returns,
        arrayMap(k -> toUInt64(arrayExists((p, r) -> p = cohort_at + k AND r >= began,
            periods, last_returns)), range(/*periods*/)) AS returned,
        max(sampled) AS sampled
    FROM
    (
        SELECT
            /*hashed*/ AS who,
            /*period*/ AS period,
            min(if(/*begins*/, toUnixTimestamp64Milli(time), 9000000000000)) AS first_start,
            max(if(/*returns*/, toUnixTimestamp64Milli(time), -1)) AS last_return,
            max(weight != 1) AS sampled
        FROM events
        WHERE /*where*/
        GROUP BY who, period
    ) AS seen
    /*join*/
    GROUP BY /*person*/
    HAVING began < 9000000000000
)
GROUP BY cohort
ORDER BY cohort
