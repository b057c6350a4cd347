-- The envelopes of one receipt.
SELECT
    offered, accepted, rejected, sampled, limited, duplicate, dead_lettered,
    app, signal, toUnixTimestamp64Milli(received_at), dead_letters
FROM receipts
WHERE /*where*/
ORDER BY received_at
LIMIT /*limit*/
