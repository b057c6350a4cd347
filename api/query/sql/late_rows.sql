-- When rows were last stored late into a range, and the store's own time, in epoch milliseconds; 0: never.
SELECT toUnixTimestamp64Milli(max(stored_at)), toUnixTimestamp64Milli(now64(3, 'UTC'))
FROM late_rows
WHERE /*where*/
