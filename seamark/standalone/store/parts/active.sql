SELECT
    table, partition, name, min_block_number AS low, max_block_number AS high, rows, bytes_on_disk AS size,
    toUnixTimestamp(delete_ttl_info_max) AS expires, path
FROM system.parts
WHERE database = {database:String} AND active AND rows > 0 AND table != 'damaged_parts'
