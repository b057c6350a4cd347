-- Made from the rollups by minute where there are any, because these have far fewer rows than a block. A row is late
-- when its minute began 90 seconds ago: api/late_rows.py takes a range for past that ended three minutes ago, which
-- leaves 90 seconds for an insert under way and for clocks that differ.
--: for signal table in events events_1m, traces spans_1m, metrics metrics_1m
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.late_{signal}_view {on_cluster} TO {database}.late_rows AS
SELECT
    org, app, '{signal}' AS signal, toStartOfHour(r.time) AS hour, toDate(now('UTC')) AS stored_on,
    max(now64(3, 'UTC')) AS stored_at,
    sum(r.rows) AS rows
FROM {database}.{table} AS r
WHERE r.time < now('UTC') - INTERVAL 90 SECOND
GROUP BY org, app, signal, hour, stored_on;
--: end

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.late_logs_view {on_cluster} TO {database}.late_rows AS
SELECT
    org, app, 'logs' AS signal,
    toStartOfHour(toDateTime(intDiv(toUnixTimestamp64Nano(r.time), 1000000000), 'UTC')) AS hour,
    toDate(now('UTC')) AS stored_on,
    max(now64(3, 'UTC')) AS stored_at,
    count() AS rows
FROM {database}.logs AS r
WHERE r.time < now64(9, 'UTC') - INTERVAL 90 SECOND AND r.time >= toDateTime64(0, 9, 'UTC')
GROUP BY org, app, signal, hour, stored_on;
