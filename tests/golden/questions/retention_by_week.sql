SELECT
    cohort,
    count() AS people,
    sumForEach(returned) AS returned,
    max(sampled) AS sampled
FROM
(
    SELECT
        min(first_start) AS began,
        intDiv(began - {p6:Int64}, {p7:Int64}) * {p7:Int64} + {p6:Int64} AS cohort,
        groupArrayIf(period, last_return >= 0) AS periods,
        groupArrayIf(last_return, last_return >= 0) AS last_returns,
        arrayMap(k -> toUInt64(arrayExists((p, r) -> p = cohort + k * {p7:Int64} AND r >= began,
            periods, last_returns)), range({p8:Int64})) AS returned,
        max(sampled) AS sampled
    FROM
    (
        SELECT
            sipHash128(multiIf(user_id != '', concat('u', user_id), first_user != '', concat('u', first_user), concat('s', session_id))) AS who,
            intDiv(toUnixTimestamp64Milli(time) - {p6:Int64}, {p7:Int64}) * {p7:Int64} + {p6:Int64} AS period,
            min(if(name = {p1:String}, toUnixTimestamp64Milli(time), 9000000000000)) AS first_start,
            max(if(name = {p0:String}, toUnixTimestamp64Milli(time), -1)) AS last_return,
            max(weight != 1) AS sampled
        FROM events
        LEFT ANY JOIN
(
    SELECT session_id, argMin(user_id, (time, ts, user_id)) AS first_user
    FROM events
    WHERE org = {p4:String} AND app = {p5:String} AND received_at >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND user_id != '' AND session_id IN
        (SELECT session_id FROM events WHERE org = {p4:String} AND app = {p5:String} AND received_at >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}) AND user_id = '' AND session_id != '')
    GROUP BY session_id
) AS session_users USING (session_id)
        WHERE org = {p4:String} AND app = {p5:String} AND received_at >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}) AND (user_id != '' OR session_id != '')
        GROUP BY who, period
    )
    GROUP BY who
    HAVING began < 9000000000000
)
GROUP BY cohort
ORDER BY cohort
-- p0 = 'pay'
-- p1 = 'view'
-- p2 = 1794787200000
-- p3 = 1795392000000
-- p4 = 'acme'
-- p5 = 'shop'
-- p6 = 345600000
-- p7 = 604800000
-- p8 = 8
