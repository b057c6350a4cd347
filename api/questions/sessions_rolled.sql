-- Pieces from the rollup. Most keys have one piece, which is a session as it is; only those of the others are joined,
-- where the rollup has not merged them yet or they are of several apps, put in order and cut. Raw events are read for
-- the slot that the range ends in, if it has later events. That bound is a scalar subquery, so that it is a constant
-- when parts and granules are chosen.
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
        SELECT key, piece_slot, at, weight, first_place, label, until, events, views, sampled
        FROM raw_pieces
    ),
    of_several AS (SELECT key FROM all_pieces GROUP BY key HAVING count() > 1),
    joined_pieces AS
    (
        SELECT
            key,
            piece_slot,
            min(place) AS first_place,
            argMin(at, place) AS at,
            argMin(weight, place) AS weight,
            argMin(label, place) AS label,
            max(until) AS until,
            sum(events) AS events,
            sum(views) AS views,
            max(sampled) AS sampled
        FROM (SELECT * EXCEPT first_place, first_place AS place FROM all_pieces WHERE key IN of_several)
        GROUP BY key, piece_slot
    ),
