-- Events by minute; hour and day are computed from the block that goes into the minute.
-- Grouping is by the values, because a map as a key is slow; the map is made once for each group. Attributes
-- that are no dimension are left aside first: looking a key up reads the whole map.
--
-- The engine's sketch puts a value whose absolute is below 1 one bucket too high (it cuts a negative logarithm
-- towards zero), which is 1 to 3 % too much. Such a value goes in one bucket lower, so that it lands where it
-- belongs; tests/properties/test_schema_sketches.py fails when an engine no longer needs that.
--: value = assumeNotNull(value)
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_1m_view {on_cluster} TO {database}.events_1m AS
WITH
    mapFilter((k, v) -> k IN ({dimension_attributes}), CAST(e.attrs, 'Map(String, String)')) AS a,
    (k -> a[k]) AS attr,
    (k -> e.device[k]) AS device_attr,
    {dimension_columns}
SELECT
    org, app, name, toStartOfMinute(e.time) AS time,
    {dimension_map} AS dims,
    sum(weight) AS count,
    count() AS rows,
    sumIf(weight, value IS NOT NULL) AS value_count,
    sum(weight * ifNull(value, 0)) AS value_sum,
    min(value) AS value_min,
    max(value) AS value_max,
    quantilesDDStateIf({levels})(
        if(abs({value}) < 1, {value} * {sketch_below_1}, {value}), value IS NOT NULL) AS value_sketch,
    uniqCombinedStateIf({unique})(user_id, user_id != '') AS users,
    uniqCombinedStateIf({unique})(session_id, session_id != '') AS sessions
FROM {database}.events AS e
GROUP BY org, app, name, time, {dimension_names};

--: merged = [{aggregate}(r.{name}) AS {name} for name aggregate type in {events_measures}]
--: for step below start in 1h 1m toStartOfHour, 1d 1h toStartOfDay
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_{step}_view {on_cluster} TO {database}.events_{step} AS
SELECT
    org, app, name, {start}(r.time) AS time, dims,
    {merged},
    quantilesDDMergeState({levels})(value_sketch) AS value_sketch,
    uniqCombinedMergeState({unique})(users) AS users,
    uniqCombinedMergeState({unique})(sessions) AS sessions
FROM {database}.events_{below} AS r
GROUP BY org, app, name, time, dims;
--: end
