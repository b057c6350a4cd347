-- The records of some requests, in order of their arrival.
SELECT
    /*record*/,
    toUnixTimestamp64Milli(received_at) AS received_ms, toString(receipt) AS request
FROM logs
WHERE /*where*/
  AND receipt IN (SELECT toUUID(arrayJoin(splitByChar(',', /*receipts*/))))
ORDER BY received_ms, request, logs.time, id
LIMIT /*limit*/
