-- The ledger: what became of what was offered, by minute of receipt, for every signal.
-- {aggregating_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: AggregatingMergeTree, non_replicated_deduplication_window; server: ReplicatedAggregatingMergeTree
-- (path, replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- Counts are of the signal's own items. Law: offered = accepted + sum(rejected) + sampled + limited.

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
    limited SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(minute)
ORDER BY (org, app, signal, minute, key_id)
TTL minute + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_events_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, 'events' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    count() AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited
FROM {database}.in_events AS i
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_traces_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, 'traces' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    count() AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited
FROM {database}.in_traces AS i
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_metrics_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, 'metrics' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    count() AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited
FROM {database}.in_metrics AS i
GROUP BY org, app, signal, minute, key_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_logs_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, 'logs' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    count() AS requests,
    sum(toUInt64(i.outcome.offered)) AS offered,
    sum(toUInt64(i.outcome.accepted)) AS accepted,
    sumMap(CAST(i.outcome.rejected, 'Map(String, UInt64)')) AS rejected,
    sum(toUInt64(i.outcome.sampled)) AS sampled,
    sum(toUInt64(i.outcome.limited)) AS limited
FROM {database}.in_logs AS i
GROUP BY org, app, signal, minute, key_id;
