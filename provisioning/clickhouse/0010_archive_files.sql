-- The archive's manifest: every Parquet file there is, and which ones a larger file has replaced.
-- {replacing_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: ReplacingMergeTree(version), non_replicated_deduplication_window; server:
-- ReplicatedReplacingMergeTree(path, replica, version), replicated_deduplication_window with its
-- _seconds, ON CLUSTER).
--
-- Read it with FINAL: the row of a path with the highest version is what is so. One partition, so
-- that what is inserted together is one part, there or not there: a merged file becomes live in the
-- instant in which those it was made of cease to be. `stream` is empty, and the sequences are 0, for
-- a merged file; `counts` are its rows by minute of receipt.

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
    counts Nested(org LowCardinality(String), app LowCardinality(String), minute DateTime('UTC'), key_id LowCardinality(String), rows UInt64),
    version UInt64
)
ENGINE = {replacing_merge_tree}
PARTITION BY tuple()
ORDER BY (signal, path)
TTL toDateTime(written_at) + INTERVAL 5 YEAR
SETTINGS {deduplication};

-- What the archive took from the log counts as archived; merging files adds nothing to it.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_archived_view {on_cluster} TO {database}.ledger AS
SELECT
    c.org AS org, c.app AS app, f.signal AS signal, c.minute AS minute, c.key_id AS key_id,
    sum(c.rows) AS archived
FROM {database}.archive_files AS f
ARRAY JOIN counts AS c
WHERE f.state = 'live' AND f.stream != ''
GROUP BY org, app, signal, minute, key_id;
