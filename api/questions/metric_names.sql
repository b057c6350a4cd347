-- Names that can be asked for as `metric`, the ones seen last first.
SELECT name, source, unit, type, last_ms
FROM
(
    SELECT name, 'events' AS source, '' AS unit, 'event' AS type,
        toInt64(toUnixTimestamp(max(time))) * 1000 AS last_ms
    FROM /*events*/
    WHERE /*where*/
    GROUP BY name
    UNION ALL
    SELECT name, 'metrics' AS source, any(unit) AS unit, toString(any(type)) AS type,
        toInt64(toUnixTimestamp(max(time))) * 1000 AS last_ms
    FROM /*metrics*/
    WHERE /*where*/
    GROUP BY name
    UNION ALL
    SELECT /*span_metric*/ AS name, 'spans' AS source, 'ms' AS unit, 'histogram' AS type,
        toInt64(toUnixTimestamp(max(time))) * 1000 AS last_ms
    FROM /*spans*/
    WHERE /*spans_where*/ AND startsWith(/*span_metric*/, /*prefix*/)
    HAVING count() > 0
)
ORDER BY last_ms DESC, name, source
LIMIT /*limit*/
