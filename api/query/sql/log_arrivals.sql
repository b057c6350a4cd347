-- Which requests brought log records since a moment, and how many of them match. Counted by request,
-- since a request is stored in one piece or not at all, and requests are far fewer than records.
SELECT toUnixTimestamp64Milli(received_at) AS received_ms, toString(receipt) AS request, count() AS records
FROM logs
WHERE /*where*/
GROUP BY received_at, receipt
ORDER BY received_ms DESC
LIMIT /*limit*/
