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
    WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')
) AS parent
ANY RIGHT JOIN
(
    SELECT
        service AS server_service, cityHash64(trace_id, parent_span_id) AS id,
        trace_id, duration_ns, status, weight
    FROM spans
    WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND parent_span_id != toFixedString('', 8) AND bitAnd(flags, 768) != 256
) AS child
ON parent.id = child.id
WHERE found AND client_service != server_service AND (client_service = {p4:String} OR server_service = {p4:String})
GROUP BY client, server
ORDER BY calls DESC, client, server
LIMIT {p6:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795339440000
-- p3 = 1795343100000
-- p4 = 'cart'
-- p5 = 1795335840000
-- p6 = 501
