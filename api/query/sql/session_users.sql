-- The first user of each session that has events without a user. The order is that of one text: 8 bytes
-- of the time, 8 of the device's clock, the user's id; its least is found several times as fast as
-- that of tuples.
SELECT
    session_id,
    substring(min(concat(
        reverse(reinterpretAsFixedString(bitOr(
            bitShiftLeft(toUInt128(toUnixTimestamp64Milli(time)), 64),
            toUInt128(toUnixTimestamp64Milli(ts) + 4611686018427387904)))),
        user_id)), 17) AS first_user
FROM events
WHERE /*scope*/ AND user_id != '' AND session_id IN
    (SELECT session_id FROM events WHERE /*events*/ AND user_id = '' AND session_id != '')
GROUP BY session_id
