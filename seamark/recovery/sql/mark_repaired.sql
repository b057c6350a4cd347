-- The parts of one partition are whole again.
INSERT INTO {database}.damaged_parts
SELECT * REPLACE (now64(3, 'UTC') AS repaired_at, version + 1 AS version)
FROM
(
    SELECT * FROM {database}.damaged_parts FINAL
    WHERE table = {t:String} AND partition = {p:String} AND repaired_at = toDateTime64(0, 3, 'UTC')
);
