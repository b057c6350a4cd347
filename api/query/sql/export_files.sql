-- Files of the archive that hold rows in scope and may hold some in range, in order of their times,
-- with how many rows of the scope each has.
SELECT path, sha256, mine
FROM
(
    SELECT path, sha256, min_time,
        arraySum(arrayMap((an_org, an_app, n) -> if(/*scope*/, n, 0), counts.org, counts.app, counts.rows)) AS mine
    FROM archive_files FINAL
    WHERE signal = /*signal*/ AND state = 'live'
        AND max_time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
        AND min_time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
WHERE mine > 0
ORDER BY min_time, path
