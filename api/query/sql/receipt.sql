-- The envelopes of one receipt.
SELECT
    app, signal, toUnixTimestamp64Milli(received_at), offered, accepted, rejected, sampled, limited,
    duplicate, dead_lettered, dead_letters
FROM receipts
WHERE /*where*/
ORDER BY received_at
LIMIT /*limit*/
