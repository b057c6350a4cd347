-- Receipts: envelopes of requests (`is_request`: ledger.sql).
--: for signal in events, traces, metrics, logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.receipts_{signal}_view {on_cluster} TO {database}.receipts AS
SELECT
    org, {receipt} AS receipt, app, '{signal}' AS signal, key_id,
    {received_at} AS received_at,
    i.outcome.offered AS offered,
    i.outcome.accepted AS accepted,
    i.outcome.rejected AS rejected,
    i.outcome.sampled AS sampled,
    i.outcome.limited AS limited,
    i.outcome.duplicate AS duplicate,
    i.outcome.dead_lettered AS dead_lettered,
    toUInt32(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_{signal} AS i
WHERE {is_request};
--: end
