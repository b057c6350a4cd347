-- Staged envelopes ({staged}) that the store does not have go into {missing}. {where} is the range of the replay.
-- A batch that was split has several envelopes under one receipt: they differ in what they count, and those that
-- count the same are numbered from 1. Where the receipts know nothing of one, the raw rows ({raw}) are asked.
--: counts = o, a, d, b
--: numbered =
--:     SELECT *, toUUIDOrZero(receipt) AS r, outcome.offered AS o, outcome.accepted AS a,
--:         outcome.duplicate AS d, outcome.dead_lettered AS b,
--:         row_number() OVER (PARTITION BY org, r, {counts} ORDER BY received_ns) AS nth
--:     FROM {staged} AS s
--:     WHERE {where} AND (outcome.offered > 0 OR empty(outcome.request_rejections))
--: receipts = (SELECT toUUIDOrZero(receipt) FROM {staged})
--: known =
--:     SELECT org, receipt AS r, offered AS o, accepted AS a, duplicate AS d, dead_lettered AS b
--:     FROM {database}.receipts WHERE signal = '{signal}' AND receipt IN {receipts}
--: first = fromUnixTimestamp64Milli(toInt64(intDiv(min(received_ns), 1000000)))
--: last = fromUnixTimestamp64Milli(toInt64(intDiv(max(received_ns), 1000000)))
--: stored =
--:     SELECT org, receipt AS r, count() AS n FROM {raw}
--:     WHERE received_at BETWEEN (SELECT {first} FROM {staged}) AND (SELECT {last} FROM {staged})
--:         AND receipt IN {receipts}
--:     GROUP BY org, r

SELECT count() AS n FROM {staged} AS s WHERE {where};

INSERT INTO {missing} SELECT s.* EXCEPT (r, o, a, d, b, nth)
FROM ({numbered}) AS s
LEFT JOIN (SELECT org, r, {counts}, count() AS n FROM ({known}) GROUP BY org, r, {counts}) AS k
    USING (org, r, {counts})
LEFT JOIN (SELECT org, r, count() AS n FROM ({known}) GROUP BY org, r) AS any USING (org, r)
LEFT JOIN ({stored}) AS raw USING (org, r)
WHERE if(any.n > 0, s.nth > k.n, raw.n = 0 AND (a > d + b OR {accounted:UInt8} = 1));

SELECT count() AS n FROM {missing};
