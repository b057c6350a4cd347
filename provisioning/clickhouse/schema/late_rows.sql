-- Hours of the rows' own time that rows were stored into after a minute and a half: an answer about them may have
-- been cached before. `stored_at` is the store's clock. Rows matter for as long as answers are cached.
-- Partitions are days of storing: the rows' times can be any.
CREATE TABLE IF NOT EXISTS {database}.late_rows {on_cluster}
(
    {org_and_app},
    signal LowCardinality(String),
    hour DateTime('UTC'),
    stored_on Date,
    stored_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    rows SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY stored_on
ORDER BY (org, app, signal, hour)
TTL stored_on + INTERVAL 3 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
