-- Events by minute, hour and day, by the dimensions of seamark/wire/dimensions.py.
-- {aggregating_merge_tree} {deduplication} {on_cluster} {database}: variant.py says what each variant
-- puts there (embedded: AggregatingMergeTree, non_replicated_deduplication_window; server:
-- ReplicatedAggregatingMergeTree(path, replica), replicated_deduplication_window with its _seconds,
-- ON CLUSTER).
--
-- count, value_count and value_sum are weighted (weight = 1 / sampling rate), rows is not. Sketches
-- have 1 % relative error. uniqCombined(12) is exact for small sets and then has a standard error of
-- 1.6 % in at most 3 kB. Hour and day are computed from the block that goes into the minute.

CREATE TABLE IF NOT EXISTS {database}.events_1m {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    name LowCardinality(String),
    time DateTime('UTC'),
    dims Map(LowCardinality(String), String),
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    value_count SimpleAggregateFunction(sum, Float64),
    value_sum SimpleAggregateFunction(sum, Float64),
    value_min SimpleAggregateFunction(min, Nullable(Float64)),
    value_max SimpleAggregateFunction(max, Nullable(Float64)),
    value_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    users AggregateFunction(uniqCombined(12), String),
    sessions AggregateFunction(uniqCombined(12), String)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, dims)
TTL time + INTERVAL 13 MONTH
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {database}.events_1h {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    name LowCardinality(String),
    time DateTime('UTC'),
    dims Map(LowCardinality(String), String),
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    value_count SimpleAggregateFunction(sum, Float64),
    value_sum SimpleAggregateFunction(sum, Float64),
    value_min SimpleAggregateFunction(min, Nullable(Float64)),
    value_max SimpleAggregateFunction(max, Nullable(Float64)),
    value_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    users AggregateFunction(uniqCombined(12), String),
    sessions AggregateFunction(uniqCombined(12), String)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, dims)
TTL time + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {database}.events_1d {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    name LowCardinality(String),
    time DateTime('UTC'),
    dims Map(LowCardinality(String), String),
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    value_count SimpleAggregateFunction(sum, Float64),
    value_sum SimpleAggregateFunction(sum, Float64),
    value_min SimpleAggregateFunction(min, Nullable(Float64)),
    value_max SimpleAggregateFunction(max, Nullable(Float64)),
    value_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    users AggregateFunction(uniqCombined(12), String),
    sessions AggregateFunction(uniqCombined(12), String)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, dims)
TTL time + INTERVAL 5 YEAR
SETTINGS {deduplication}, ttl_only_drop_parts = 1;

-- Grouping is by the values, because a map as a key is slow; the map is made once for each group.
-- Attributes that are no dimension are left aside first: looking a key up reads the whole map.
--
-- The engine's sketch puts a value whose absolute is below 1 one bucket too high (it cuts a negative
-- logarithm towards zero), which is 1 to 3 % too much. Such a value goes in one bucket (0.99 / 1.01)
-- lower, so that it lands where it belongs; tests/properties/test_schema_sketches.py fails when an
-- engine no longer needs that.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_1m_view {on_cluster} TO {database}.events_1m AS
WITH
    mapFilter((k, v) -> k IN ('country', 'device', 'browser', 'os', 'release', 'app_version', 'service.version', 'page', 'url.path', 'feature_id', 'button_id', 'experiment_id', 'platform', 'exception.type'), CAST(e.attrs, 'Map(String, String)')) AS a,
    if(a['country'] != '', a['country'], e.country) AS d_country,
    if(a['device'] != '', a['device'], e.device_type) AS d_device,
    if(a['browser'] != '', a['browser'], e.browser) AS d_browser,
    if(a['os'] != '', a['os'], if(e.device['os'] != '', e.device['os'], e.os)) AS d_os,
    if(a['release'] != '', a['release'], if(a['app_version'] != '', a['app_version'], a['service.version'])) AS d_release,
    if(a['page'] != '', a['page'], a['url.path']) AS d_page,
    if(a['feature_id'] != '', a['feature_id'], a['button_id']) AS d_feature,
    a['experiment_id'] AS d_experiment,
    a['platform'] AS d_platform,
    a['exception.type'] AS d_error
SELECT
    org, app, name, toStartOfMinute(e.time) AS time,
    CAST(mapFilter((k, v) -> v != '', map('country', d_country, 'device', d_device, 'browser', d_browser, 'os', d_os, 'release', d_release,
        'page', d_page, 'feature', d_feature, 'experiment', d_experiment, 'platform', d_platform, 'error', d_error)), 'Map(LowCardinality(String), String)') AS dims,
    sum(weight) AS count,
    count() AS rows,
    sumIf(weight, value IS NOT NULL) AS value_count,
    sum(weight * ifNull(value, 0)) AS value_sum,
    min(value) AS value_min,
    max(value) AS value_max,
    quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(if(abs(assumeNotNull(value)) < 1, assumeNotNull(value) * 0.99 / 1.01, assumeNotNull(value)), value IS NOT NULL) AS value_sketch,
    uniqCombinedStateIf(12)(user_id, user_id != '') AS users,
    uniqCombinedStateIf(12)(session_id, session_id != '') AS sessions
FROM {database}.events AS e
GROUP BY org, app, name, time, d_country, d_device, d_browser, d_os, d_release, d_page, d_feature, d_experiment, d_platform, d_error;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_1h_view {on_cluster} TO {database}.events_1h AS
SELECT
    org, app, name, toStartOfHour(r.time) AS time, dims,
    sum(count) AS count,
    sum(rows) AS rows,
    sum(value_count) AS value_count,
    sum(value_sum) AS value_sum,
    min(value_min) AS value_min,
    max(value_max) AS value_max,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(value_sketch) AS value_sketch,
    uniqCombinedMergeState(12)(users) AS users,
    uniqCombinedMergeState(12)(sessions) AS sessions
FROM {database}.events_1m AS r
GROUP BY org, app, name, time, dims;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_1d_view {on_cluster} TO {database}.events_1d AS
SELECT
    org, app, name, toStartOfDay(r.time) AS time, dims,
    sum(count) AS count,
    sum(rows) AS rows,
    sum(value_count) AS value_count,
    sum(value_sum) AS value_sum,
    min(value_min) AS value_min,
    max(value_max) AS value_max,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(value_sketch) AS value_sketch,
    uniqCombinedMergeState(12)(users) AS users,
    uniqCombinedMergeState(12)(sessions) AS sessions
FROM {database}.events_1h AS r
GROUP BY org, app, name, time, dims;
