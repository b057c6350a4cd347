-- The hash of the first user, by that of the session. Joined to groups of events by `who`.
LEFT ANY JOIN
(
    SELECT
        sipHash128(concat('s', session_id)) AS who,
        sipHash128(concat('u', first_user)) AS linked
    FROM
    (
/*session_users*/
    )
) AS linked_sessions USING (who)
