-- Events by minute, hour and day, by the dimensions of seamark/wire/dimensions.py.
-- count, value_count and value_sum are weighted (weight = 1 / sampling rate), rows is not.
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR, 1d 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.events_{step} {on_cluster}
(
    org LowCardinality(String),
    app LowCardinality(String),
    name LowCardinality(String),
    time DateTime('UTC'),
    dims {text_map},
    count SimpleAggregateFunction(sum, Float64),
    rows SimpleAggregateFunction(sum, UInt64),
    value_count SimpleAggregateFunction(sum, Float64),
    value_sum SimpleAggregateFunction(sum, Float64),
    value_min SimpleAggregateFunction(min, Nullable(Float64)),
    value_max SimpleAggregateFunction(max, Nullable(Float64)),
    value_sketch {sketch},
    users {set_of_ids},
    sessions {set_of_ids}
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, dims)
TTL time + INTERVAL {lifetime} {unit}
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
--: end
