-- Events by minute, hour and day, by the dimensions of seamark/wire/dimensions.py.
-- count, value_count and value_sum are weighted (weight = 1 / sampling rate), rows is not.
-- Of each measure: its name, its aggregate, its type.
--: events_measures = count sum Float64, rows sum UInt64, value_count sum Float64, value_sum sum Float64,
--:     value_min min Nullable(Float64), value_max max Nullable(Float64)
--: measures = [{name} SimpleAggregateFunction({aggregate}, {type}) for name aggregate type in {events_measures}]
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR, 1d 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.events_{step} {on_cluster}
(
    {org_and_app},
    name LowCardinality(String),
    time DateTime('UTC'),
    dims {text_map},
    {measures},
    value_sketch {sketch},
    users {set_of_ids},
    sessions {set_of_ids}
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, name, time, dims)
{storage_of_rollup};
--: end
