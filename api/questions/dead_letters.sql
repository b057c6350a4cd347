-- A page of dead letters, newest first, and whether each was replayed; of two replays the first
-- counts. The inner query finds the page by its narrow columns, the outer one reads the originals of
-- that page only.
SELECT
    toString(dead_letter_id), app, signal, toUnixTimestamp64Milli(received_at), toString(receipt), `index`,
    reason, field, message, name, base64Encode(original), key_id, sent_ms, sdk_name, sdk_version,
    protocol, toUnixTimestamp64Milli(replay.at), toString(replay.receipt)
FROM
(
    SELECT * FROM dead_letters
    WHERE /*where*/ AND (received_at, dead_letter_id) IN
    (
        SELECT received_at, dead_letter_id FROM dead_letters
        WHERE /*where*//*unplayed*/
        ORDER BY received_at DESC, dead_letter_id DESC
        LIMIT /*limit*/
    )
) AS dead_letter
LEFT JOIN
(
    SELECT dead_letter_id, min(replayed_at) AS at, argMin(receipt, replayed_at) AS receipt
    FROM dead_letter_replays
    WHERE /*scope*/
    GROUP BY dead_letter_id
) AS replay USING (dead_letter_id)
ORDER BY received_at DESC, dead_letter_id DESC
LIMIT /*limit*/
