-- Parts of the store that were lost, or cannot be read. `part` is empty where counts alone tell of it. Times of the
-- rows are their own (`received_at` and the like where a table has no other), with the bucket of the last; both 0
-- where nothing is known of them. `repaired_at` is 0 until `seamark repair` has filled the rows in again.
CREATE TABLE IF NOT EXISTS {database}.damaged_parts {on_cluster}
(
    table LowCardinality(String),
    partition String,
    part String,
    what LowCardinality(String),
    detail String,
    rows UInt64,
    first DateTime64(3, 'UTC'),
    last DateTime64(3, 'UTC'),
    since DateTime64(3, 'UTC'),
    repaired_at DateTime64(3, 'UTC'),
    version UInt64
)
ENGINE = {replacing_merge_tree}
PARTITION BY tuple()
ORDER BY (table, partition, part, since)
TTL toDateTime(since) + INTERVAL 1 YEAR
SETTINGS {deduplication};
