-- Files of the archive that hold rows of the app and minute in which these events were received, and whether
-- every row of those minutes is archived.
SELECT
    groupUniqArrayIf(path, path != '') AS paths,
    min(in_archive >= in_store AND in_store > 0) AS complete
FROM
(
    SELECT DISTINCT app, toStartOfMinute(received_at) AS minute
    FROM events
    WHERE /*where*/
) AS received
LEFT JOIN
(
    SELECT app, minute, sum(stored) AS in_store, sum(archived) AS in_archive
    FROM ledger
    WHERE /*scope*/ AND signal = 'events'
        AND minute IN (SELECT toStartOfMinute(received_at) FROM events WHERE /*where*/)
    GROUP BY app, minute
) AS accounts USING (app, minute)
LEFT JOIN
(
    SELECT path, c.app AS app, c.minute AS minute
    FROM archive_files FINAL
    ARRAY JOIN counts AS c
    WHERE state = 'live' AND signal = 'events' AND c.org = /*org*/
        AND c.minute IN (SELECT toStartOfMinute(received_at) FROM events WHERE /*where*/)
) AS files USING (app, minute)
