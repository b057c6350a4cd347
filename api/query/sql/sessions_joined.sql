-- Pieces of one key and slot that the rollup has not merged yet, or that are of several apps.
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
