-- Spans joined to their parents; those whose parent is of another service make the edges. (ANY INNER
-- JOIN would keep one child of each parent.)
SELECT
    client, server,
    sum(weight) AS calls,
    sumIf(weight, status = 'error') AS errors,
    arrayMap(ns -> ns / 1e6, quantilesExactInclusive(0.5, 0.95)(duration_ns)) AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    max(weight != 1) AS sampled
FROM
(
    SELECT toString(service) AS server, trace_id, parent_span_id, duration_ns, status, weight
    FROM spans
    WHERE /*children*/
) AS child
ANY LEFT JOIN
(
    SELECT toString(service) AS client, trace_id, span_id, 1 AS found
    FROM spans
    WHERE /*parents*/
) AS parent
ON child.trace_id = parent.trace_id AND child.parent_span_id = parent.span_id
WHERE found AND client != server/*touching*/
GROUP BY client, server
ORDER BY calls DESC, client, server
LIMIT /*limit*/
