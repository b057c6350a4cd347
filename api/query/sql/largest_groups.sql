-- The groups that count most, found without touching sketches, so that these are merged only for
-- the series that are shown.
    AND (/*keys*/) IN
    (
        SELECT /*keys*/
        FROM /*table*/
        WHERE /*where*/
        GROUP BY /*keys*/
        ORDER BY sum(count) DESC, /*keys*/
        LIMIT /*limit*/
    )
