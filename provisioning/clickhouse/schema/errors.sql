-- One row for each occurrence of an error, wherever it was reported, so that a question about errors does not
-- have to look through all raw rows for the few that are. What makes a group of them is decided by the
-- question. Times are milliseconds, as questions have them; those of a span's errors are the span's.
CREATE TABLE IF NOT EXISTS {database}.errors {on_cluster}
(
    {org_and_app},
    receipt UUID,
    received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    weight Float64,
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    source LowCardinality(String),
    name LowCardinality(String),
    service LowCardinality(String),
    kind LowCardinality(String),
    message String,
    stack String CODEC(ZSTD(1)),
    release LowCardinality(String),
    who String,
    event_id String,
    trace_id FixedString(16),
    span_id FixedString(8),
    dims {text_map}
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, time)
{kept_30_days};
