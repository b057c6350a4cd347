-- When the oldest archived row of a signal was received, in seconds; 0 without any.
SELECT toUnixTimestamp(min(min_received)) AS oldest
FROM {database}.archive_files FINAL
WHERE state = 'live' AND rows > 0 AND signal = {s:String};
