-- Calls between services, and to databases, queues and services outside: one row for each edge, and one for all
-- calls of each outside node (without a client). Spans are joined to their parents by a 64-bit hash of both ids,
-- which is several times as fast as by the two. (ANY INNER JOIN would keep one child of each parent; the smaller
-- side has to be the right one.)
WITH
    (x -> arrayFirst(y -> y != '', x)) AS first_of,
    calls AS
    (
        SELECT toString(client_service) AS client, toString(server_service) AS server, 'service' AS node_kind,
            0 AS served, trace_id, duration_ns, status = 'error' AS failed, weight
        FROM
        (
            SELECT service AS client_service, cityHash64(trace_id, span_id) AS id, kind AS client_kind, 1 AS found
            FROM spans
            WHERE /*parents*/
        ) AS parent
        ANY RIGHT JOIN
        (
            SELECT
                service AS server_service, cityHash64(trace_id, parent_span_id) AS id, kind AS server_kind,
                trace_id, span_id, duration_ns, status, weight
            FROM spans
            WHERE /*children*/
        ) AS child
        ON parent.id = child.id
        WHERE found AND client_service != server_service AND
            (client_kind != 'producer' OR server_kind != 'consumer' OR cityHash64(trace_id, span_id) NOT IN
            (
                SELECT cityHash64(trace_id, span_id) FROM spans
                WHERE /*children*/ AND kind = 'consumer' AND attrs['messaging.system'] != ''
            ))
        UNION ALL
        SELECT
            if(served, target, toString(service)) AS client, if(served, toString(service), target) AS server,
            node_kind, served, trace_id, duration_ns, status = 'error' AS failed, weight
        FROM
        (
            SELECT
                service, trace_id, span_id, duration_ns, status, weight,
                kind = 'consumer' AS served,
                first_of([attrs['db.system.name'], attrs['db.system']]) AS database_system,
                attrs['messaging.system'] AS queue_system,
                first_of([attrs['server.address'], attrs['net.peer.name'], domain(attrs['url.full']),
                    domain(attrs['http.url'])]) AS address,
                multiIf(database_system != '', 'database', queue_system != '', 'queue', 'external') AS node_kind,
                multiIf(
                    database_system != '', first_of([attrs['db.namespace'], attrs['db.name'], address]),
                    queue_system != '', attrs['messaging.destination.name'], '') AS place,
                first_of([
                    attrs['peer.service'],
                    concat(database_system, if(database_system != '' AND place != '', '/', ''), place),
                    concat(queue_system, if(queue_system != '' AND place != '', '/', ''), place),
                    address]) AS name,
                if(queue_system != '' AND database_system = '',
                    concat(queue_system, if(place != '', '/', ''), place), name) AS target
            FROM spans
            WHERE /*outgoing*/
        )
        WHERE target != '' AND target != service AND (NOT served OR node_kind = 'queue')
            AND (node_kind != 'external' OR cityHash64(trace_id, span_id) NOT IN
            (
                SELECT cityHash64(trace_id, parent_span_id) FROM spans WHERE /*answered*/
            ))
    )
SELECT
    if(grouping(client) = 1, '', client) AS from_node,
    server AS to_node,
    grouping(client) = 1 AS is_node,
    node_kind AS shown_kind,
    max(served) AS from_queue,
    sum(weight) AS calls_made,
    sumIf(weight, failed) AS errors,
    sum(weight * duration_ns) / calls_made / 1e6 AS mean_ms,
    max(duration_ns) / 1e6 AS max_ms,
    arrayMap(ns -> ns / 1e6, quantilesExactInclusive(0.5, 0.95, 0.99)(duration_ns)) AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    max(weight != 1) AS sampled
FROM calls
WHERE /*touching*/
GROUP BY GROUPING SETS ((client, server, node_kind), (server, node_kind))
HAVING NOT is_node OR (node_kind != 'service' AND NOT from_queue)
ORDER BY is_node, calls_made DESC, from_node, to_node
LIMIT /*limit*/ BY is_node
