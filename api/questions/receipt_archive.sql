-- Files of the archive that hold rows of an app and minute, and how many of its rows they hold.
SELECT path, sum(held)
FROM
(
    SELECT path, c.rows AS held
    FROM archive_files FINAL
    ARRAY JOIN counts AS c
    WHERE state = 'live' AND signal = /*signal*/
        AND min_received <= fromUnixTimestamp64Milli(/*at*/, 'UTC')
        AND max_received >= fromUnixTimestamp64Milli(/*at*/, 'UTC')
        AND c.org = /*org*/ AND c.app = /*app*/ AND c.minute = toDateTime(/*minute*/, 'UTC')
)
GROUP BY path
ORDER BY path
LIMIT /*limit*/
