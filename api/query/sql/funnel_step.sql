-- The chains one step longer: this event after the latest chain before it, if within the window.
(
    SELECT
        who, weight, at, steps, place,
        if(has(steps, /*step*/) AND notEmpty(before.2) AND at - before.2[1] <= /*window*/,
            (before.1, arrayPushBack(before.2, at)), /*no_chain*/) AS next,
        next AS chain,
        if(notEmpty(next.2), next, so_far) AS longest
    FROM
    (
        SELECT
            who, weight, at, steps, place, longest AS so_far,
            anyLastIf(chain, notEmpty(chain.2)) OVER
                (PARTITION BY who ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM
/*chains*/
    )
)
