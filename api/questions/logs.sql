-- A page of log records, in order of (time, id). The inner query finds how far the page reaches and reads only
-- what the conditions need; the outer one reads whole rows of that stretch.
SELECT
    /*record*/
FROM logs
WHERE /*where*/ AND
(
    /*at_cursor*/ OR /*past*/ AND logs.time /*beyond*/
    (
        SELECT /*edge*/(time) FROM
        (
            SELECT time FROM logs WHERE /*where*/ AND /*past*/ ORDER BY time /*direction*/ LIMIT /*reach*/
        )
    )
)
AND /*not_before*/
ORDER BY logs.time /*direction*/, id
LIMIT /*limit*/ OFFSET /*skip*/
