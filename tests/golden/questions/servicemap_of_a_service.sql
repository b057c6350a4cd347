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
            WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')
        ) AS parent
        ANY RIGHT JOIN
        (
            SELECT
                service AS server_service, cityHash64(trace_id, parent_span_id) AS id, kind AS server_kind,
                trace_id, span_id, duration_ns, status, weight
            FROM spans
            WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND parent_span_id != toFixedString('', 8) AND bitAnd(flags, 768) != 256
        ) AS child
        ON parent.id = child.id
        WHERE found AND client_service != server_service AND
            (client_kind != 'producer' OR server_kind != 'consumer' OR cityHash64(trace_id, span_id) NOT IN
            (
                SELECT cityHash64(trace_id, span_id) FROM spans
                WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND parent_span_id != toFixedString('', 8) AND bitAnd(flags, 768) != 256 AND kind = 'consumer' AND attrs['messaging.system'] != ''
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
            WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND kind IN ('client', 'producer', 'consumer')
        )
        WHERE target != '' AND target != service AND (NOT served OR node_kind = 'queue')
            AND (node_kind != 'external' OR cityHash64(trace_id, span_id) NOT IN
            (
                SELECT cityHash64(trace_id, parent_span_id) FROM spans WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND parent_span_id != toFixedString('', 8) AND kind IN ('server', 'consumer')
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
WHERE client = {p5:String} OR server = {p5:String}
GROUP BY GROUPING SETS ((client, server, node_kind), (server, node_kind))
HAVING NOT is_node OR (node_kind != 'service' AND NOT from_queue)
ORDER BY is_node, calls_made DESC, from_node, to_node
LIMIT {p7:UInt64} BY is_node
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440000
-- p3 = 1795343100000
-- p4 = 1795346700000
-- p5 = 'cart'
-- p6 = 1795335840000
-- p7 = 2001
SELECT
    toString(service) AS called,
    '' AS doing,
    sum(count) AS calls,
    sum(errors) AS failed,
    sum(duration_sum) / calls / 1e6 AS mean_ms,
    max(duration_max) / 1e6 AS max_ms,
    arrayMap(ns -> ns / 1e6, arrayMap(q -> greatest(toFloat64(min(duration_min)), least(toFloat64(max(duration_max)), q)), quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(duration_sketch))) AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    sum(count) != sum(rows) AS sampled
FROM spans_1m
WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC') AND kind IN ({p4:String}, {p5:String})
GROUP BY called, doing
ORDER BY calls DESC, called, doing
LIMIT {p6:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440
-- p3 = 1795343100
-- p4 = 'consumer'
-- p5 = 'server'
-- p6 = 1001
SELECT DISTINCT toString(service) AS name
FROM spans_1m
WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC') AND service != ''
ORDER BY name
LIMIT {p4:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440
-- p3 = 1795343100
-- p4 = 1000
