-- What the manifest says is archived, into the ledger of {shadow}.
INSERT INTO {shadow}.ledger (org, app, signal, minute, key_id, archived)
SELECT counts.org, counts.app, signal, counts.minute, counts.key_id, sum(counts.rows)
FROM {database}.archive_files FINAL ARRAY JOIN counts
WHERE state = 'live'
GROUP BY 1, 2, 3, 4, 5;
