-- Missing raw rows, and what the ledger says of them: of one receipt the archive knows no more.
INSERT INTO {raw} SELECT * FROM {missing} ORDER BY ALL;

INSERT INTO {database}.ledger (org, app, signal, minute, key_id, requests, offered, accepted)
SELECT org, app, '{signal}', toStartOfMinute(toDateTime(received_at, 'UTC')) AS m, key_id,
    uniqExact(receipt), count(), count()
FROM {missing}
GROUP BY org, app, m, key_id
ORDER BY ALL;
