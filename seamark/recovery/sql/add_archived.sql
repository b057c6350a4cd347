-- What the manifest counts and the ledger does not say is archived yet.
--: keys = org, app, signal, minute, key_id
INSERT INTO {database}.ledger ({keys}, archived)
SELECT {keys}, sum(f) - sum(l) AS more
FROM
(
    SELECT counts.org AS org, counts.app AS app, signal, counts.minute AS minute, counts.key_id AS key_id,
        toInt64(counts.rows) AS f, toInt64(0) AS l
    FROM {database}.archive_files FINAL ARRAY JOIN counts
    WHERE state = 'live'
    UNION ALL
    SELECT {keys}, toInt64(0), toInt64(t.archived) FROM {database}.ledger AS t
)
GROUP BY {keys}
HAVING more > 0;
