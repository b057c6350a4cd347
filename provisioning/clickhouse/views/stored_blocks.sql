-- The token of an insert says which block it is (`seamark/wire/positions.py`); other inserts have other tokens.
--: for signal in events, traces, metrics, logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.stored_blocks_{signal}_view {on_cluster} TO {database}.stored_blocks
AS
SELECT stream, max(tuple(first_ns, inserted_ns, token)) AS last
FROM
(
    SELECT
        getSetting('insert_deduplication_token') AS token,
        splitByChar(':', token)[1] AS stream,
        toUInt64OrZero(splitByChar('/', splitByChar(':', token)[3])[1]) AS first_ns,
        toUInt64(toUnixTimestamp64Nano(now64(9))) AS inserted_ns
    FROM {database}.in_{signal}
    WHERE match(token, '^SEAMARK_[^:/]+:[0-9]+-[0-9]+:[0-9]+(/[0-9]+(/notice)?)?$')
)
GROUP BY stream;
--: end
