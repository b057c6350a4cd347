-- A file of the newest block of a stream, and when it was written (ms). The fifth part of its name
-- is the log's time of the block's first message; merging sets written_at anew, but not the name.
SELECT path, toUnixTimestamp64Milli(written_at) AS written_ms, first_sequence, last_sequence
FROM archive_files FINAL
WHERE stream = {stream:String}
ORDER BY
    toUInt64OrZero(splitByChar('-', replaceOne(path, '.parquet', ''))[5]) DESC,
    written_at DESC,
    path DESC
LIMIT 1
