-- Records on one side of a record, which are in order of (time, id, copy): equal records are told apart by
-- their number. The innermost query finds how far they reach and reads times only.
SELECT
    * EXCEPT (copy), /*later*/ AS later, copy
FROM
(
    SELECT
        /*record*/,
        row_number() OVER (PARTITION BY logs.time, id) AS copy
    FROM logs
    WHERE /*where*/ AND
    (
        logs.time = /*at*/ OR (logs.time /*nearer*/ /*at*/ AND logs.time /*within*/
        (
            SELECT /*farthest*/(time) FROM
            (
                SELECT time FROM logs WHERE /*where*/ AND time /*nearer*/ /*at*/
                ORDER BY time /*direction*/ LIMIT /*limit*/
            )
        ))
    )
)
WHERE (toInt64(time_ns), id, copy) /*nearer*/ (/*at_ns*/, /*record_id*/, /*copy*/)
ORDER BY toInt64(time_ns) /*direction*/, id /*direction*/, copy /*direction*/
LIMIT /*limit*/
