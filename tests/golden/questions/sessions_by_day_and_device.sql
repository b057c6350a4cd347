SELECT
    label,
    arraySort(point -> point.1,
        groupArray((bucket, session_count, events_each, lengths[1], lengths[2], bounce_rate))) AS points,
    sum(session_count) AS total,
    max(bucket_sampled) AS sampled
FROM
(
    SELECT
        intDiv(at - {p10:Int64}, {p11:Int64}) * {p11:Int64} + {p10:Int64} AS bucket,
        label,
        sum(weight) AS session_count,
        sum(weight * events) / session_count AS events_each,
        quantilesExactInclusive(0.5, 0.95)(until - at) AS lengths,
        sumIf(weight, views = 1) / nullIf(sumIf(weight, views > 0), 0) AS bounce_rate,
        max(sampled) AS bucket_sampled
    FROM
    (
        WITH
    (
        SELECT if(max(last) >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC'), {p9:Int64}, {p1:Int64})
        FROM visits_15m
        WHERE org = {p2:String} AND app = {p3:String} AND received_on >= toDate(toDateTime({p0:Int64}, 'UTC'), 'UTC') AND slot >= toDateTime({p0:Int64}, 'UTC') AND slot < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND slot = toDateTime({p8:Int64}, 'UTC')
    ) AS rolled_until,
    all_pieces AS
    (
        SELECT
            reinterpretAsUInt128(v.key) AS key,
            toInt64(intDiv(toUInt32(v.slot), 900)) AS piece_slot,
            toUnixTimestamp64Milli(v.first.time) AS at,
            v.first.weight AS weight,
            bitOr(
    bitOr(
        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(v.first.time)), 192),
        bitShiftLeft(toUInt256(bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(v.first.ts)), 9223372036854775808)), 128)),
    bitOr(bitShiftLeft(toUInt256(reinterpretAsUInt64(weight)), 64), toUInt256(v.first.tie))) AS first_place,
            v.first.device AS label,
            toUnixTimestamp64Milli(v.last) AS until,
            v.events AS events,
            v.views AS views,
            v.sampled AS sampled
        FROM visits_15m AS v
        WHERE org = {p2:String} AND app = {p3:String} AND received_on >= toDate(toDateTime({p0:Int64}, 'UTC'), 'UTC') AND slot >= toDateTime({p0:Int64}, 'UTC') AND slot < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND toUInt32(slot) < rolled_until / 1000
        UNION ALL
        SELECT
    key,
    piece_slot,
    toInt64(bitShiftRight(first_place, 192)) AS at,
    reinterpretAsFloat64(toUInt64(bitAnd(bitShiftRight(first_place, 64), 18446744073709551615))) AS weight,
    min(place) AS first_place,
    argMin(named, place) AS label,
    max(event_at) AS until,
    count() AS events,
    countIf(is_view) AS views,
    max(is_sampled) AS sampled
FROM
(
    SELECT
        reinterpretAsUInt128(sipHash128(if(session_id != '', concat('s', session_id), concat('u', user_id)))) AS key,
        toUnixTimestamp64Milli(time) AS event_at,
        intDiv(event_at, {p5:Int64}) AS piece_slot,
        bitOr(
    bitOr(
        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(time)), 192),
        bitShiftLeft(toUInt256(bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(ts)), 9223372036854775808)), 128)),
    bitOr(bitShiftLeft(toUInt256(reinterpretAsUInt64(weight)), 64), toUInt256(cityHash64(receipt, name, event_id)))) AS place,
        if(attrs['device'] != '', attrs['device'], if(device['type'] != '', device['type'], toString(device_type))) AS named,
        name = {p6:String} AS is_view,
        weight != 1 AS is_sampled
    FROM events
    WHERE org = {p2:String} AND app = {p3:String} AND received_at >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND (user_id != '' OR session_id != '') AND time >= fromUnixTimestamp64Milli(rolled_until, 'UTC')
)
GROUP BY key, piece_slot
    ),
    of_several AS (SELECT key FROM all_pieces GROUP BY key HAVING count() > 1)
SELECT at, until, weight, label, events, views, sampled
FROM all_pieces
WHERE key NOT IN of_several
UNION ALL
SELECT
    session[1].2 AS at,
    session[-1].3 AS until,
    session[1].4 AS weight,
    session[1].5 AS label,
    arraySum(piece -> piece.6, session) AS events,
    arraySum(piece -> piece.7, session) AS views,
    arrayMax(piece -> piece.8, session) AS sampled
FROM
(
    SELECT
        arraySort(groupArray((place, at, until, weight, label, events, views, sampled))) AS pieces,
        arrayPushFront(arrayPopBack(pieces), pieces[1]) AS before_each,
        arrayMap((piece, before) -> piece.2 - before.3, pieces, before_each) AS silences,
        arrayJoin(arraySplit((piece, silence) -> silence > {p7:Int64}, pieces, silences)) AS session
    FROM
    (
        SELECT
    key,
    piece_slot,
    min(first_place) AS place,
    argMin(at, first_place) AS at,
    argMin(weight, first_place) AS weight,
    argMin(label, first_place) AS label,
    max(until) AS until,
    sum(events) AS events,
    sum(views) AS views,
    max(sampled) AS sampled
FROM all_pieces
WHERE key IN of_several
GROUP BY key, piece_slot
    )
    GROUP BY key
)
    )
    WHERE at >= {p12:Int64}
    GROUP BY bucket, label
)
GROUP BY label
ORDER BY total DESC, label
LIMIT {p13:UInt64}
-- p0 = 1794699000
-- p1 = 1795392000000
-- p2 = 'acme'
-- p3 = 'shop'
-- p4 = 1794699000000
-- p5 = 900000
-- p6 = 'page_view'
-- p7 = 1800000
-- p8 = 1795391100
-- p9 = 1795391100000
-- p10 = 0
-- p11 = 86400000
-- p12 = 1794700800000
-- p13 = 51
