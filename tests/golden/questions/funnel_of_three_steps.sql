SELECT
    chain_label AS label,
    [countIf(at_1 > 0), countIf(at_2 > 0), countIf(at_3 > 0)] AS people,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(at_2 - at_1, at_2 > 0), quantilesExactInclusiveIf(0.5, 0.9)(at_3 - at_2, at_3 > 0)] AS step_ms,
    [[nan, nan], quantilesExactInclusiveIf(0.5, 0.9)(at_2 - at_1, at_2 > 0), quantilesExactInclusiveIf(0.5, 0.9)(at_3 - at_1, at_3 > 0)] AS since_first_ms,
    max(person_sampled) AS sampled
FROM
(
    SELECT
        arrayMap(event -> toInt64(bitShiftRight(event, 90)), events) AS times,
        arrayMap(event -> toUInt16(bitAnd(bitShiftRight(event, 32), 1023)), events) AS matches,
        arrayEnumerate(events) AS places,
        arrayMap((at, matched) -> if(bitTest(matched, 0), at, 0), times, matches) AS begun_1,
        arrayMap((at, matched, begun) -> if(bitTest(matched, 1) AND begun > 0 AND at - begun <= {p10:Int64}, begun, 0), times, matches, arrayPushFront(arrayPopBack(arrayFill(begun -> begun > 0, begun_1)), 0)) AS begun_2,
        arrayMap((at, matched, begun) -> if(bitTest(matched, 2) AND begun > 0 AND at - begun <= {p10:Int64}, begun, 0), times, matches, arrayPushFront(arrayPopBack(arrayFill(begun -> begun > 0, begun_2)), 0)) AS begun_3,
        arrayFirstIndex(begun -> begun > 0, begun_3) AS place_3,
        if(place_3 > 0, arrayLastIndex((begun, place) -> begun > 0 AND place < place_3, begun_2, places), arrayFirstIndex(begun -> begun > 0, begun_2)) AS place_2,
        if(place_2 > 0, arrayLastIndex((begun, place) -> begun > 0 AND place < place_2, begun_1, places), arrayFirstIndex(begun -> begun > 0, begun_1)) AS place_1,
        times[place_1] AS at_1,
        times[place_2] AS at_2,
        times[place_3] AS at_3,
        arrayFirst(label -> CRC32(label) = bitAnd(events[place_1], 4294967295), labels) AS chain_label,
        person_sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            groupUniqArray(label) AS labels,
            max(weight != 1) AS person_sampled
        FROM
        (
            SELECT
                sipHash128(if(user_id != '', concat('u', user_id), concat('s', session_id))) AS who,
                weight,
                if(attrs['release'] != '', attrs['release'], if(attrs['app_version'] != '', attrs['app_version'], attrs['service.version'])) AS label,
                if(name = {p2:String}, 1, 0) + if(name = {p0:String} AND ifNull(toFloat64OrNull(if(mapContains(attrs, {p8:String}), attrs[{p8:String}], device[{p8:String}])) = {p9:Float64}, 0), 2, 0) + if(name = {p1:String}, 4, 0) AS steps,
                bitOr(
                    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(time) - {p3:Int64} + 1), 90),
                    bitOr(
                        bitShiftLeft(toUInt128(least(greatest(toUnixTimestamp64Milli(ts), 0), 281474976710655)), 42),
                        toUInt128(bitOr(bitShiftLeft(toUInt64(steps), 32), CRC32(label))))) AS event
            FROM events
            WHERE org = {p5:String} AND app = {p6:String} AND received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND name IN ({p0:String}, {p1:String}, {p2:String}) AND (user_id != '' OR session_id != '') AND if(attrs['country'] != '', attrs['country'], toString(country)) != {p7:String}
        )
        WHERE steps != 0
        GROUP BY who
    )
)
WHERE at_1 > 0
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
