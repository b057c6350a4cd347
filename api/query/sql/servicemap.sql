-- Spans joined to their parents; those whose parent is of another service make the edges. Joined by
-- a 64-bit hash of both ids, which is several times as fast as by the two. (ANY INNER JOIN would keep
-- one child of each parent; the smaller side has to be the right one.)
SELECT
    toString(client_service) AS client,
    toString(server_service) AS server,
    sum(weight) AS calls,
    sumIf(weight, status = 'error') AS errors,
    arrayMap(ns -> ns / 1e6, quantilesExactInclusive(0.5, 0.95)(duration_ns)) AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    max(weight != 1) AS sampled
FROM
(
    SELECT service AS client_service, cityHash64(trace_id, span_id) AS id, 1 AS found
    FROM spans
    WHERE /*parents*/
) AS parent
ANY RIGHT JOIN
(
    SELECT
        service AS server_service, cityHash64(trace_id, parent_span_id) AS id,
        trace_id, duration_ns, status, weight
    FROM spans
    WHERE /*children*/
) AS child
ON parent.id = child.id
WHERE found AND client_service != server_service/*touching*/
GROUP BY client, server
ORDER BY calls DESC, client, server
LIMIT /*limit*/
