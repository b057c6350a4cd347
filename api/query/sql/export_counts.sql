-- How many rows an export has in each stretch of its range, so that it can be cut into slices.
SELECT intDiv(toUnixTimestamp64Milli(time) - {since:Int64}, {width:Int64}) AS stretch, count()
FROM /*table*/
WHERE /*where*/
    AND time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
GROUP BY stretch
ORDER BY stretch
