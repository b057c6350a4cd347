-- The most frequent paths; what they are a part of is summed over all of them. Events are numbers:
-- their time, the device's clock, a hash of their node, their weight. What hashes mean is in the rollup.
WITH
(
    SELECT (groupArray(sipHash64(node)), groupArray(node))
    FROM (SELECT DISTINCT /*rolled_node*/ AS node FROM events_1m WHERE /*rolled_where*/)
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
        /*place*/ AS place,
        /*steps*/ AS hashes,
        reinterpretAsFloat64(toUInt64(session[1])) AS weight,
        arrayExists(event -> toUInt64(event) != reinterpretAsUInt64(toFloat64(1)), session) AS sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            arrayJoin(arraySplit((event, silence) -> silence > /*gap*/, events,
                arrayDifference(arrayMap(event -> toInt64(bitShiftRight(event, 192)), events)))) AS session
        FROM
        (
            SELECT
                sipHash128(/*person*/) AS key,
                sipHash64(/*node*/) AS node,
                /*event*/ AS event,
                node = sipHash64(/*start*/) AS is_start
            FROM events
            /*join*/
            WHERE /*where*/
        )
        GROUP BY key
        HAVING max(is_start)
    )
    WHERE place > 0
)
GROUP BY hashes
ORDER BY sessions DESC, steps
LIMIT /*limit*/
