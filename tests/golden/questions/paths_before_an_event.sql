WITH
(
    SELECT (groupArray(sipHash64(node)), groupArray(node))
    FROM (SELECT DISTINCT toString(name) AS node FROM events_1m WHERE org = {p2:String} AND app = {p3:String} AND time >= toDateTime({p4:Int64}, 'UTC') AND time < toDateTime({p5:Int64}, 'UTC'))
) AS known
SELECT
    arrayMap(node -> transform(node, known.1, known.2, ''), hashes) AS steps,
    sum(weight) AS sessions,
    sum(sessions) OVER () AS total,
    max(max(sampled)) OVER () AS any_sampled
FROM
(
    SELECT
        arrayMap(event -> toUInt64(bitShiftRight(event, 64)), session) AS nodes,
        arrayLastIndex(node -> node = sipHash64({p7:String}), nodes) AS place,
        arraySlice(arrayReverse(arraySlice(nodes, 1, place - 1)), 1, {p6:Int64}) AS hashes,
        reinterpretAsFloat64(toUInt64(session[1])) AS weight,
        arrayExists(event -> toUInt64(event) != reinterpretAsUInt64(toFloat64(1)), session) AS sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            arrayJoin(arraySplit((event, silence) -> silence > {p8:Int64}, events,
                arrayDifference(arrayMap(event -> toInt64(bitShiftRight(event, 192)), events)))) AS session
        FROM
        (
            SELECT
                sipHash128(if(session_id != '', concat('s', session_id), concat('u', user_id))) AS key,
                sipHash64(toString(name)) AS node,
                bitOr(
    bitOr(
        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(time)), 192),
        bitShiftLeft(toUInt256(bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(ts)), 9223372036854775808)), 128)),
    bitOr(bitShiftLeft(toUInt256(node), 64), toUInt256(reinterpretAsUInt64(weight)))) AS event,
                node = sipHash64({p7:String}) AS is_start
            FROM events
            
            WHERE org = {p2:String} AND app = {p3:String} AND received_at >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND (user_id != '' OR session_id != '')
        )
        GROUP BY key
        HAVING max(is_start)
    )
    WHERE place > 0
)
GROUP BY hashes
ORDER BY sessions DESC, steps
LIMIT {p9:UInt64}
-- p0 = 1795256640000
-- p1 = 1795343100000
-- p2 = 'acme'
-- p3 = 'shop'
-- p4 = 1795256640
-- p5 = 1795343100
-- p6 = 4
-- p7 = 'pay'
-- p8 = 1800000
-- p9 = 21
