-- The archive's manifest: every Parquet file there is, and which ones a larger file has replaced.
-- Read it with FINAL: of a path the row with the highest version holds. One partition, so that what is inserted
-- together is one part, there or not there: a merged file becomes live in the instant in which those it was made
-- of cease to be. `stream` is empty, and the sequences are 0, for a merged file; `counts` are its rows by minute
-- of receipt.
CREATE TABLE IF NOT EXISTS {database}.archive_files {on_cluster}
(
    path String,
    signal LowCardinality(String),
    stream LowCardinality(String),
    first_sequence UInt64,
    last_sequence UInt64,
    rows UInt64,
    min_received DateTime64(3, 'UTC'),
    max_received DateTime64(3, 'UTC'),
    min_time DateTime64(3, 'UTC'),
    max_time DateTime64(3, 'UTC'),
    bytes UInt64,
    sha256 String,
    written_at DateTime64(3, 'UTC'),
    state LowCardinality(String),
    replaces Array(String),
    counts Nested(org LowCardinality(String), app LowCardinality(String), minute DateTime('UTC'),
        key_id LowCardinality(String), rows UInt64),
    version UInt64
)
ENGINE = {replacing_merge_tree}
PARTITION BY tuple()
ORDER BY (signal, path)
TTL toDateTime(written_at) + INTERVAL 5 YEAR
SETTINGS {deduplication};
