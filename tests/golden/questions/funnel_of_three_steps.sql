SELECT
    group_label AS label,
    [countIf(at_1 > 0), countIf(at_2 > 0), countIf(at_3 > 0)] AS people,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(at_2 - before_2, at_2 > 0), quantilesExactInclusiveIf(0.5, 0.9)(at_3 - before_3, at_3 > 0)] AS step_ms,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(at_2 - from_2, at_2 > 0), quantilesExactInclusiveIf(0.5, 0.9)(at_3 - from_3, at_3 > 0)] AS since_first_ms,
    max(person_sampled) AS sampled
FROM
(
    SELECT
        arrayMap(event -> toInt64(bitShiftRight(event, 62)), events) AS times,
        arrayMap(event -> toUInt16(bitAnd(event, 1023)), events) AS matches,
        arrayEnumerate(events) AS places,
        arrayMap((at, matched) -> if(bitTest(matched, 9), at, 0), times, matches) AS begun_1,
        arrayFirst(begun -> begun > 0, begun_1) AS at_1,
        arrayMap((at, matched, begun) -> if(bitTest(matched, 8) AND begun > 0 AND at - begun <= {p10:Int64}, begun, 0), times, matches, arrayPushFront(arrayPopBack(arrayFill(begun -> begun > 0, begun_1)), 0)) AS begun_2,
        arrayFirstIndex(begun -> begun > 0, begun_2) AS place_2,
        times[place_2] AS at_2,
        begun_2[place_2] AS from_2,
        times[arrayLastIndex((begun, place) -> begun > 0 AND place < place_2, begun_1, places)] AS before_2,
        arrayMap((at, matched, begun) -> if(bitTest(matched, 7) AND begun > 0 AND at - begun <= {p10:Int64}, begun, 0), times, matches, arrayPushFront(arrayPopBack(arrayFill(begun -> begun > 0, begun_2)), 0)) AS begun_3,
        arrayFirstIndex(begun -> begun > 0, begun_3) AS place_3,
        times[place_3] AS at_3,
        begun_3[place_3] AS from_3,
        times[arrayLastIndex((begun, place) -> begun > 0 AND place < place_3, begun_2, places)] AS before_3,
        group_label,
        person_sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            argMinIf(label, (bitShiftRight(event, 14), label), bitTest(steps, 9)) AS group_label,
            max(weight != 1) AS person_sampled
        FROM
        (
            SELECT
                sipHash128(multiIf(user_id != '', concat('u', user_id), first_user != '', concat('u', first_user), concat('s', session_id))) AS who,
                weight,
                if(attrs['release'] != '', attrs['release'], if(attrs['app_version'] != '', attrs['app_version'], attrs['service.version'])) AS label,
                if(name = {p2:String}, 512, 0) + if(name = {p0:String} AND ifNull(toFloat64OrNull(if(mapContains(attrs, {p8:String}), attrs[{p8:String}], device[{p8:String}])) = {p9:Float64}, 0), 256, 0) + if(name = {p1:String}, 128, 0) AS steps,
                bitOr(
                    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(time) - {p3:Int64} + 1), 62),
                    toUInt128(bitOr(
                        bitShiftLeft(toUInt64(least(greatest(toUnixTimestamp64Milli(ts), 0), 281474976710655)), 14),
                        bitOr(
                            bitShiftLeft(toUInt64(9 - floor(log2(greatest(steps, 1)))), 10),
                            toUInt64(steps))))) AS event
            FROM events
            LEFT ANY JOIN
(
    SELECT session_id, argMin(user_id, (time, ts, user_id)) AS first_user
    FROM events
    WHERE org = {p5:String} AND app = {p6:String} AND received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND user_id != '' AND session_id IN
        (SELECT session_id FROM events WHERE org = {p5:String} AND app = {p6:String} AND received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}, {p2:String}) AND user_id = '' AND session_id != '')
    GROUP BY session_id
) AS session_users USING (session_id)
            WHERE org = {p5:String} AND app = {p6:String} AND received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}, {p2:String}) AND (user_id != '' OR session_id != '') AND if(attrs['country'] != '', attrs['country'], toString(country)) != {p7:String}
        )
        WHERE steps != 0
        GROUP BY who
        HAVING max(bitTest(steps, 9))
    )
)
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
-- p9 = 1.0
-- p10 = 600000
-- p11 = 21
