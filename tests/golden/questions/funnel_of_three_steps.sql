SELECT
    chain.1 AS label,
    [countIf(length(chain.2) >= 1), countIf(length(chain.2) >= 2), countIf(length(chain.2) >= 3)] AS people,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(chain.2[2] - chain.2[1], length(chain.2) >= 2), quantilesExactInclusiveIf(0.5, 0.9)(chain.2[3] - chain.2[2], length(chain.2) >= 3)] AS step_ms,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(chain.2[2] - chain.2[1], length(chain.2) >= 2), quantilesExactInclusiveIf(0.5, 0.9)(chain.2[3] - chain.2[1], length(chain.2) >= 3)] AS since_first_ms,
    max(sampled) AS sampled
FROM
(
    SELECT
        who,
        argMax(longest, (length(longest.2), -place)) AS chain,
        max(weight != 1) AS sampled
    FROM
(
    SELECT
        who, weight, at, steps, place,
        if(has(steps, 3) AND notEmpty(before.2) AND at - before.2[1] <= {p10:Int64},
            (before.1, arrayPushBack(before.2, at)), ('', CAST([], 'Array(Int64)'))) AS next,
        next AS chain,
        if(notEmpty(next.2), next, so_far) AS longest
    FROM
    (
        SELECT
            who, weight, at, steps, place, longest AS so_far,
            anyLastIf(chain, notEmpty(chain.2)) OVER
                (PARTITION BY who ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM
(
    SELECT
        who, weight, at, steps, place,
        if(has(steps, 2) AND notEmpty(before.2) AND at - before.2[1] <= {p10:Int64},
            (before.1, arrayPushBack(before.2, at)), ('', CAST([], 'Array(Int64)'))) AS next,
        next AS chain,
        if(notEmpty(next.2), next, so_far) AS longest
    FROM
    (
        SELECT
            who, weight, at, steps, place, longest AS so_far,
            anyLastIf(chain, notEmpty(chain.2)) OVER
                (PARTITION BY who ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM
(
    SELECT
        who, weight, at, steps,
        row_number() OVER (PARTITION BY who ORDER BY at, device_at, steps, label) AS place,
        if(has(steps, 1), (label, [at]), ('', CAST([], 'Array(Int64)'))) AS chain,
        chain AS longest
    FROM
    (
        SELECT
            if(user_id != '', concat('u', user_id), concat('s', session_id)) AS who,
            weight,
            toUnixTimestamp64Milli(time) AS at,
            toUnixTimestamp64Milli(ts) AS device_at,
            if(attrs['release'] != '', attrs['release'], if(attrs['app_version'] != '', attrs['app_version'], attrs['service.version'])) AS label,
            arrayFilter(step -> step > 0, [
                if(name = {p2:String}, 1, 0),
                if(name = {p0:String} AND if(mapContains(attrs, {p8:String}), attrs[{p8:String}], device[{p8:String}]) = {p9:String}, 2, 0),
                if(name = {p1:String}, 3, 0)]) AS steps
        FROM events
        WHERE org = {p5:String} AND app = {p6:String} AND received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}, {p2:String}) AND (user_id != '' OR session_id != '') AND if(attrs['country'] != '', attrs['country'], toString(country)) != {p7:String}
    )
    WHERE notEmpty(steps)
)
    )
)
    )
)
    GROUP BY who
)
WHERE notEmpty(chain.2)
GROUP BY label
ORDER BY people[1] DESC, label
LIMIT {p11:UInt64}
-- p0 = 'cart'
-- p1 = 'pay'
-- p2 = 'view'
-- p3 = 1795256640000
-- p4 = 1795343100000
-- p5 = 'acme'
-- p6 = 'shop'
-- p7 = 'US'
-- p8 = 'plan'
-- p9 = '1'
-- p10 = 600000
-- p11 = 21
