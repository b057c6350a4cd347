-- What one key did in one slot of the raw events. `place` orders them by (time, device's clock, weight, tie).
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
        reinterpretAsUInt128(sipHash128(/*key*/)) AS key,
        toUnixTimestamp64Milli(time) AS event_at,
        intDiv(event_at, /*slot*/) AS piece_slot,
        /*place*/ AS place,
        /*group*/ AS named,
        name = /*view*/ AS is_view,
        weight != 1 AS is_sampled
    FROM events
    WHERE /*where*/
)
GROUP BY key, piece_slot
