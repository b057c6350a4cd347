-- One row per group: people who reached each step, times from the step before and from the first.
SELECT
    chain.1 AS label,
    [/*people*/] AS people,
    [/*step_ms*/] AS step_ms,
    [/*since_first_ms*/] AS since_first_ms,
    max(sampled) AS sampled
FROM
(
    SELECT
        who,
        argMax(longest, (length(longest.2), -place)) AS chain,
        max(weight != 1) AS sampled
    FROM
/*chains*/
    GROUP BY who
)
WHERE notEmpty(chain.2)
GROUP BY label
ORDER BY people[1] DESC, label
LIMIT /*limit*/
