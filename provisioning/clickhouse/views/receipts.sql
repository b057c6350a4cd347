-- Receipts: envelopes of requests.
--: counts = [i.outcome.{name} AS {name}
--:     for name in offered, accepted, rejected, sampled, limited, duplicate, dead_lettered]
--: for signal in events, traces, metrics, logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_{signal}_view {on_cluster} TO {database}.receipts AS
SELECT
    org, {receipt} AS receipt, app, '{signal}' AS signal, key_id,
    {received_at} AS received_at,
    {counts},
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_{signal} AS i
WHERE {is_request};
--: end
