-- Spans by minute and hour: rate, errors and duration of each operation.
-- count, errors and duration_sum are weighted (weight = 1 / sampling rate), rows is not; durations are
-- nanoseconds. errors = spans whose status is error. trace_id is a sample.
-- Of each measure: its name, its aggregate, its type.
--: spans_measures = count sum Float64, rows sum UInt64, errors sum Float64, duration_sum sum Float64,
--:     duration_min min UInt64, duration_max max UInt64
--: measures = [{name} SimpleAggregateFunction({aggregate}, {type}) for name aggregate type in {spans_measures}]
--: for step lifetime unit in 1m 13 MONTH, 1h 5 YEAR
CREATE TABLE IF NOT EXISTS {database}.spans_{step} {on_cluster}
(
    {org_and_app},
    service LowCardinality(String),
    time DateTime('UTC'),
    operation LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    {measures},
    duration_sketch {sketch},
    trace_id SimpleAggregateFunction(max, FixedString(16))
)
ENGINE = {aggregating_merge_tree}
PARTITION BY toYYYYMM(time)
ORDER BY (org, app, service, time, operation, kind, status)
{storage_of_rollup};
--: end
