-- Raw rows of one slice of time, as they are exported. The inner query knows the table's columns,
-- the outer one what they are shown as, under the same names.
SELECT /*columns*/
FROM
(
    SELECT * FROM /*table*/
    WHERE /*where*/
        AND time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
        AND time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    LIMIT {most:UInt64}
) AS r
