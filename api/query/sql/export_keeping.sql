-- How a raw table is kept (its TTL stands in the definition), and up to when its rows are archived.
SELECT
    (SELECT any(engine_full) FROM system.tables WHERE database = currentDatabase() AND name = /*table*/) AS kept,
    (
        SELECT toUnixTimestamp64Milli(max(max_received)) FROM archive_files FINAL
        WHERE signal = /*signal*/ AND state = 'live' AND rows > 0
    ) AS archived
