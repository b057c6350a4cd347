-- Staged raw rows ({staged}) whose request is neither in the raw table ({raw}) nor in the ledger go into {missing}.
-- A receipt whose rows are gone from the raw table, but which the ledger has, was stored once.
-- {where} is the range of the replay.
--: stored =
--:     SELECT org, receipt, count() AS n FROM {raw}
--:     WHERE receipt IN (SELECT receipt FROM {staged}) AND {where} GROUP BY org, receipt
--: accounted =
--:     SELECT org, receipt, sum(toInt64(accepted) - duplicate - dead_lettered) AS n FROM {database}.receipts
--:     WHERE signal = {signal:String} AND receipt IN (SELECT receipt FROM {staged}) GROUP BY org, receipt
--: compared =
--:     SELECT s.org AS org, s.receipt AS receipt, s.n AS found, k.n AS there, b.n AS accounted
--:     FROM (SELECT org, receipt, count() AS n FROM {staged} WHERE {where} GROUP BY org, receipt) AS s
--:     LEFT JOIN ({stored}) AS k USING (org, receipt)
--:     LEFT JOIN ({accounted}) AS b USING (org, receipt)

-- How many rows were found, and how many are missing.
SELECT sum(found) AS total, sumIf(found, there = 0 AND accounted <= 0) AS missing FROM ({compared});

-- Requests that are there in part, or accounted for without rows.
SELECT * FROM ({compared})
WHERE (there != 0 AND there != found) OR (there = 0 AND accounted > 0)
ORDER BY receipt
LIMIT 1000;

INSERT INTO {missing} SELECT * FROM {staged}
WHERE {where} AND (org, receipt) IN (SELECT org, receipt FROM ({compared}) WHERE there = 0 AND accounted <= 0);
