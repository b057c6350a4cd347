-- The last block of each stream of the log that was inserted: time of its first message in the log, time of the
-- insert (both ns since the epoch), token. `processors.rows` compares it with its recorded position.
CREATE TABLE IF NOT EXISTS {database}.stored_blocks {on_cluster}
(
    stream LowCardinality(String),
    last SimpleAggregateFunction(max, Tuple(first_ns UInt64, inserted_ns UInt64, token String))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY tuple()
ORDER BY (stream)
TTL toDateTime(intDiv(last.2, 1000000000)) + INTERVAL 1 YEAR
SETTINGS {deduplication};
