-- Sessions from the rollup. Most keys have one piece, which is a session as it is; only the others are
-- put in order and cut. Raw events are read for the slot that the range ends in, if it has later events. That
-- bound is a scalar subquery, so that it is a constant when parts and granules are chosen.
WITH
    (
        SELECT if(max(last) >= /*until*/, /*last_slot_ms*/, /*until_ms*/)
        FROM visits_15m
        WHERE /*where*/ AND slot = /*last_slot*/
    ) AS rolled_until,
    all_pieces AS
    (
        SELECT
            reinterpretAsUInt128(v.key) AS key,
            toInt64(intDiv(toUInt32(v.slot), 900)) AS piece_slot,
            toUnixTimestamp64Milli(v.first.time) AS at,
            v.first.weight AS weight,
            /*place*/ AS first_place,
            /*group*/ AS label,
            toUnixTimestamp64Milli(v.last) AS until,
            v.events AS events,
            v.views AS views,
            v.sampled AS sampled
        FROM visits_15m AS v
        WHERE /*where*/ AND toUInt32(slot) < rolled_until / 1000
        UNION ALL
        /*raw*/
    ),
    of_several AS (SELECT key FROM all_pieces GROUP BY key HAVING count() > 1)
SELECT at, until, weight, label, events, views, sampled
FROM all_pieces
WHERE key NOT IN of_several
UNION ALL
/*cut*/
