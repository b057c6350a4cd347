-- The ledger: counts of what was offered, by minute of receipt, for every signal, in the signal's own items.
-- Laws, by org, app, signal, minute and key:
--     offered  = accepted + sum(rejected) + sampled + limited
--     accepted = stored + duplicate + dead_lettered
--     archived = stored, once the archive has caught up
CREATE TABLE IF NOT EXISTS {database}.ledger {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    signal LowCardinality(String),
    minute DateTime('UTC'),
    key_id LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    offered SimpleAggregateFunction(sum, UInt64),
    accepted SimpleAggregateFunction(sum, UInt64),
    rejected SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    sampled SimpleAggregateFunction(sum, UInt64),
    limited SimpleAggregateFunction(sum, UInt64),
    duplicate SimpleAggregateFunction(sum, UInt64),
    dead_lettered SimpleAggregateFunction(sum, UInt64),
    stored SimpleAggregateFunction(sum, UInt64),
    archived SimpleAggregateFunction(sum, UInt64),
    dead_letters SimpleAggregateFunction(sum, UInt64),
    request_rejections SimpleAggregateFunction(sumMap, Map(String, UInt64))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(minute)
ORDER BY (org, app, signal, minute, key_id)
TTL minute + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
