-- Dead letters out of envelopes. Nothing is written for a block without dead letters.
--: fields = [`dead_letters.{field}` AS l_{field} for field in index, reason, field, message, name, original]
--: dead_letter_columns = [l_{field} AS {field} for field in reason, field, message, name, original]
--: for signal in events, traces, metrics, logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_{signal}_view {on_cluster} TO {database}.dead_letters AS
SELECT
    org, app, '{signal}' AS signal,
    {received_at} AS received_at,
    {receipt} AS receipt,
    l_index AS `index`,
    reinterpretAsUUID(sipHash128(org, app, i.receipt, received_ns, l_index, l_reason, l_name, l_original))
        AS dead_letter_id,
    {dead_letter_columns},
    key_id, sent_ms, sdk_name, sdk_version, protocol
FROM {database}.in_{signal} AS i
ARRAY JOIN {fields};
--: end

-- A replayed event carries its dead letter's id. The mark is written by the same block as the event, so neither
-- can be there without the other.
--: replays = {database}.dead_letter_replays
CREATE MATERIALIZED VIEW IF NOT EXISTS {replays}_view {on_cluster} TO {replays} AS
SELECT org, app, toUUIDOrZero(e.event_id) AS dead_letter_id, now64(3, 'UTC') AS replayed_at, receipt
FROM {database}.events AS e
WHERE key_id = 'replay' AND dead_letter_id != toUUIDOrZero('');
