-- Pieces of one key are put in order, and cut where they lie more than the gap apart.
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
        arraySort(groupArray((/*place*/, at, until, weight, label, events, views, sampled))) AS pieces,
        arrayPushFront(arrayPopBack(pieces), pieces[1]) AS before_each,
        arrayMap((piece, before) -> piece.2 - before.3, pieces, before_each) AS silences,
        arrayJoin(arraySplit((piece, silence) -> silence > /*gap*/, pieces, silences)) AS session
    FROM
    (
        /*pieces*/
    )
    GROUP BY key
)
