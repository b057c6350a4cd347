-- One row per series: sessions by bucket and group of their first event. What one key did in one slot is a piece;
-- the pieces of a key are put in order, and cut where they lie more than the gap apart. `place` orders events by
-- (time, device's clock, weight, tie).
WITH
    /*rolled*/
    raw_pieces AS
    (
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
    ),
    sessions AS
    (
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
                arraySort(groupArray((first_place, at, until, weight, label, events, views, sampled))) AS pieces,
                arrayPushFront(arrayPopBack(pieces), pieces[1]) AS before_each,
                arrayMap((piece, before) -> piece.2 - before.3, pieces, before_each) AS silences,
                arrayJoin(arraySplit((piece, silence) -> silence > /*gap*/, pieces, silences)) AS session
            FROM /*pieces*/
            GROUP BY key
        )/*of_one_piece*/
    ),
    buckets AS
    (
        SELECT
            /*bucket*/ AS bucket,
            label,
            sum(weight) AS session_count,
            sum(weight * events) / session_count AS events_each,
            quantilesExactInclusive(0.5, 0.95)(until - at) AS lengths,
            sumIf(weight, views = 1) / nullIf(sumIf(weight, views > 0), 0) AS bounce_rate,
            max(sampled) AS bucket_sampled
        FROM sessions
        WHERE at >= /*since*/
        GROUP BY bucket, label
    )
SELECT
    label,
    arraySort(point -> point.1,
        groupArray((bucket, session_count, events_each, lengths[1], lengths[2], bounce_rate))) AS points,
    sum(session_count) AS total,
    max(bucket_sampled) AS sampled
FROM buckets
GROUP BY label
ORDER BY total DESC, label
LIMIT /*limit*/
