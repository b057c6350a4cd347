-- The ledger, from what envelopes say of their requests.
--: counts = [sum(toUInt64(i.outcome.{name})) AS {name}
--:     for name in offered, accepted, sampled, limited, duplicate, dead_lettered]
--: by_reason = [sumMap(CAST(i.outcome.{name}, 'Map(String, UInt64)')) AS {name}
--:     for name in rejected, request_rejections]
--: for signal in events, traces, metrics, logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_{signal}_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, '{signal}' AS signal,
    toStartOfMinute(toDateTime(intDiv(least(received_ns, 4294967295000000000), 1000000000), 'UTC')) AS minute,
    key_id,
    countIf(({is_request}) AND i.outcome.part = 0) AS requests,
    {counts}, {by_reason},
    sum(length(i.dead_letters.index)) AS dead_letters
FROM {database}.in_{signal} AS i
GROUP BY org, app, signal, minute, key_id;
--: end

-- `stored` is counted from the rows themselves, not from what envelopes claim: it is what the law is checked
-- against.
--: for signal table in events events, traces spans, metrics metric_points, logs logs
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_stored_{signal}_view {on_cluster} TO {database}.ledger AS
SELECT
    org, app, '{signal}' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute, key_id,
    count() AS stored
FROM {database}.{table} AS r
GROUP BY org, app, signal, minute, key_id;
--: end

-- What the archive took from the log counts as archived; merging files adds nothing to it.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_archived_view {on_cluster} TO {database}.ledger AS
SELECT
    c.org AS org, c.app AS app, f.signal AS signal, c.minute AS minute, c.key_id AS key_id,
    sum(c.rows) AS archived
FROM {database}.archive_files AS f
ARRAY JOIN counts AS c
WHERE f.state = 'live' AND f.stream != ''
GROUP BY org, app, signal, minute, key_id;
