-- The first user of each session that has events without a user. Joined to `events`.
LEFT ANY JOIN
(
    SELECT session_id, argMin(user_id, (time, ts, user_id)) AS first_user
    FROM events
    WHERE /*scope*/ AND user_id != '' AND session_id IN
        (SELECT session_id FROM events WHERE /*events*/ AND user_id = '' AND session_id != '')
    GROUP BY session_id
) AS session_users USING (session_id)
