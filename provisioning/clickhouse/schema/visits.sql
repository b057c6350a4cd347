-- One row for each user or session and quarter of an hour with an event, so that a question about sessions does
-- not have to look through all events.
--
-- Events of one key in one slot lie less than 15 minutes apart, so wherever sessions are cut (gaps of 15
-- minutes and more), they are in one. `key` is a hash of what api/questions/sessions.py takes for one session
-- (two fall together with a probability of 2^-128). `first` is the first event: the smallest by (time, device's
-- clock, weight, a hash of receipt, name and event's id), which does not depend on blocks.
-- Partitions are days of receipt, like those of raw rows: sent times can be any, and a sender with a wild
-- clock must not make a part for each of them.
--: first_event = Tuple(time DateTime64(3, 'UTC'), ts DateTime64(3, 'UTC'), weight Float64, tie UInt64, name String,
--:     {session_dimension_types})
CREATE TABLE IF NOT EXISTS {database}.visits_15m {on_cluster}
(
    {org_and_app},
    received_on Date,
    slot DateTime('UTC') CODEC(Delta, LZ4),
    key FixedString(16),
    first SimpleAggregateFunction(min, {first_event}),
    last SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    events SimpleAggregateFunction(sum, UInt64),
    views SimpleAggregateFunction(sum, UInt64),
    sampled SimpleAggregateFunction(max, UInt8)
)
ENGINE = {aggregating_merge_tree}
PARTITION BY received_on
ORDER BY (org, app, slot, key)
TTL received_on + INTERVAL 31 DAY
SETTINGS {deduplication}, ttl_only_drop_parts = 1;
