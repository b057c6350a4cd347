-- Errors: one row for each occurrence, wherever it was reported, so that a question about errors does
-- not have to look through all raw rows for the few that are.
-- {merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant puts there
-- (embedded: MergeTree, non_replicated_deduplication_window; server: ReplicatedMergeTree(path,
-- replica), replicated_deduplication_window with its _seconds, ON CLUSTER).
--
-- Occurrences are native events with an `exception.type` or named `exception` or `error`, span events
-- named `exception`, and log records with an `exception.type`. What makes a group of them is decided
-- when it is asked for. Times are milliseconds, as questions have them; those of a span's errors are
-- the span's.
--
-- The rows of before are put in at the end of this file. Processors have to stand still meanwhile (they
-- are started after the migrations); a run that was cut begins again with an empty table.
--
-- A block that the store had taken before, but whose answer was lost, is sent again afterwards. These
-- views do not know its token yet and write rows that are there already. But such a block comes whole,
-- and under the same received_at, receipt and event_id: rows of before (`backfilled`) count only where
-- no others have the same three (api/query/sql/error_occurrences.sql).
--
-- Deciding what is an error is all that is done for other rows. `mapContains` looks at keys alone;
-- asking for the value takes ten times as long. An empty type is left to the question.
--: columns = org, app, receipt, received_at, weight, time, source, name, service, kind, message, stack, release, who, event_id, trace_id, span_id, dims, backfilled
--: first_of = (x -> arrayFirst(y -> y != '', x))
--: event_release = first_of([e.attrs['release'], e.attrs['app_version'], e.attrs['service.version']])
--: event_dims = map('country', first_of([e.attrs['country'], toString(e.country)]), 'device', first_of([e.attrs['device'], toString(e.device_type)]), 'browser', first_of([e.attrs['browser'], toString(e.browser)]), 'os', first_of([e.attrs['os'], e.device['os'], toString(e.os)]), 'release', {event_release}, 'page', first_of([e.attrs['page'], e.attrs['url.path']]), 'feature', first_of([e.attrs['feature_id'], e.attrs['button_id']]), 'experiment', e.attrs['experiment_id'], 'platform', e.attrs['platform'], 'error', e.attrs['exception.type'])
--: of_event = 'event' AS source, e.name AS name, '' AS service, e.attrs['exception.type'] AS kind, e.attrs['exception.message'] AS message, e.attrs['exception.stacktrace'] AS stack, {event_release} AS release, if(e.user_id != '', concat('u', e.user_id), concat('s', e.session_id)) AS who, e.event_id AS event_id, toFixedString('', 16) AS trace_id, toFixedString('', 8) AS span_id, CAST(mapFilter((k, v) -> v != '', {event_dims}), 'Map(LowCardinality(String), String)') AS dims
--: is_error = mapContains(e.attrs, 'exception.type') OR e.name IN ('exception', 'error')
--: milliseconds = (x -> fromUnixTimestamp64Milli(intDiv(toUnixTimestamp64Nano(x), 1000000), 'UTC'))
--: of_otlp = '' AS name, s.service AS service, found['exception.type'] AS kind, found['exception.message'] AS message, found['exception.stacktrace'] AS stack, s.resource_attrs['service.version'] AS release, if(s.attrs['user.id'] != '', concat('u', s.attrs['user.id']), concat('s', s.attrs['session.id'])) AS who, '' AS event_id, s.trace_id AS trace_id, s.span_id AS span_id, CAST(map(), 'Map(LowCardinality(String), String)') AS dims
--: spans_with = SELECT org, app, receipt, received_at, weight, time, service, trace_id, span_id, attrs, resource_attrs, events.name, events.attrs FROM {database}.spans WHERE has(events.name, 'exception')
--: backfill = insert_deduplicate = 0, max_partitions_per_insert_block = 0, min_insert_block_size_bytes = 67108864, max_execution_time = 3500

CREATE TABLE IF NOT EXISTS {database}.errors {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
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
    dims Map(LowCardinality(String), String),
    backfilled UInt8
)
ENGINE = {merge_tree}
PARTITION BY toDate(received_at)
ORDER BY (org, app, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_events_view {on_cluster} TO {database}.errors AS
WITH {first_of} AS first_of
SELECT org, app, receipt, received_at, weight, e.time AS time, {of_event}, 0 AS backfilled
FROM {database}.events AS e
WHERE {is_error};

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_spans_view {on_cluster} TO {database}.errors AS
WITH {milliseconds} AS milliseconds
SELECT org, app, receipt, received_at, weight, milliseconds(s.time) AS time, 'span' AS source, {of_otlp}, 0 AS backfilled
FROM ({spans_with}) AS s
ARRAY JOIN events.name AS called, events.attrs AS found
WHERE called = 'exception';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.errors_logs_view {on_cluster} TO {database}.errors AS
WITH {milliseconds} AS milliseconds, s.attrs AS found
SELECT org, app, receipt, received_at, weight, milliseconds(s.time) AS time, 'log' AS source, {of_otlp}, 0 AS backfilled
FROM {database}.logs AS s
WHERE mapContains(s.attrs, 'exception.type');

-- The rows of before. Only the keys of attributes, and names, are read of what is no error.

ALTER TABLE {database}.errors {on_cluster} DROP PARTITION ALL;

INSERT INTO {database}.errors ({columns})
WITH {first_of} AS first_of
SELECT org, app, receipt, received_at, weight, e.time AS time, {of_event}, 1 AS backfilled
FROM {database}.events AS e
WHERE {is_error}
SETTINGS {backfill};

INSERT INTO {database}.errors ({columns})
WITH {milliseconds} AS milliseconds
SELECT org, app, receipt, received_at, weight, milliseconds(s.time) AS time, 'span' AS source, {of_otlp}, 1 AS backfilled
FROM ({spans_with}) AS s
ARRAY JOIN events.name AS called, events.attrs AS found
WHERE called = 'exception'
SETTINGS {backfill};

INSERT INTO {database}.errors ({columns})
WITH {milliseconds} AS milliseconds, s.attrs AS found
SELECT org, app, receipt, received_at, weight, milliseconds(s.time) AS time, 'log' AS source, {of_otlp}, 1 AS backfilled
FROM {database}.logs AS s
WHERE mapContains(s.attrs, 'exception.type')
SETTINGS {backfill};
