SELECT
    grouping(release) AS is_total,
    release,
    sumIf(count, is_error) AS errors,
    sumIf(count, is_against) AS against,
    sum(count) != sum(rows) AS sampled
FROM
(
    SELECT
        toString(dims['release']) AS release,
        dims['error'] != '' OR name IN ({p6:String}, {p7:String}) AS is_error,
        name = {p8:String} AS is_against,
        count,
        rows
    FROM events_1h
    WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p2:Int64}, 'UTC') AND time < toDateTime({p3:Int64}, 'UTC') AND dims[{p4:String}] = {p5:String}
)
WHERE is_error OR is_against
GROUP BY GROUPING SETS ((release), ())
ORDER BY is_total DESC, errors DESC, release
LIMIT {p9:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795255200
-- p3 = 1795345200
-- p4 = 'release'
-- p5 = '1.0'
-- p6 = 'error'
-- p7 = 'exception'
-- p8 = 'page_view'
-- p9 = 102
SELECT
    lower(hex(sipHash64(app, service, kind, normal_message, normal_frame))) AS fingerprint,
    app, service, kind, normal_message, normal_frame,
    sum(weight) AS occurrences,
    uniqExactIf(who, who != 's') AS people,
    min(at) AS first_ms,
    max(at) AS last_ms,
    arraySort(groupUniqArrayIf(20)(release, release != '')) AS releases,
    if(uniqExact(release) = 1 AND any(release) != '' AND any(release) = any(newest), any(release), '') AS new_in,
    max((at, event, trace, span, release, substring(message, 1, 4096), substring(stack, 1, 16384))) AS sample,
    max(weight != 1) AS sampled
FROM
(
    SELECT
        *,
        substringIndex(toLowCardinality(message), '\n', 1) AS line,
        extract(toLowCardinality(stack), '(?m)^[ \\t]*at +([^\\n]*)') AS at_line,
        arrayElementOrNull(extractAll(stack, '(File "[^"]*", line [0-9]+, in [^\\n]*)'), -1) AS python_line,
        toLowCardinality(if(at_line != '', at_line, ifNull(python_line, ''))) AS top,
        substring(replaceRegexpAll(replaceRegexpAll(line, '(^|[^A-Za-z0-9])("[^"\n]*"|\'[^\'\n]*\')', '\\1<s>'), '0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9]+', '<n>'), 1, 300) AS normal_message,
        substring(replaceRegexpAll(replaceRegexpAll(top, '(^|[^A-Za-z0-9])("[^"\n]*"|\'[^\'\n]*\')', '\\1<s>'), '0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9]+', '<n>'), 1, 300) AS normal_frame
    FROM
    (
        SELECT
            toString(app) AS app, toString(service) AS service, toUnixTimestamp64Milli(time) AS at, weight,
            toString(kind) AS kind, message, stack, toString(release) AS release, who, event_id AS event,
            if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span
        FROM errors
        WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND source IN ('event', 'span', 'log') AND (source != 'event' OR kind != '' OR name IN ({p4:String}, {p5:String})) AND toString(release) = {p6:String} AND
        (
            NOT backfilled OR (received_at, receipt, event_id) NOT IN
            (
                SELECT received_at, receipt, event_id
                FROM errors
                WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND NOT backfilled
                    AND received_at <= (SELECT max(received_at) FROM errors WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND backfilled)
            )
        )
    )
) AS occurrence
LEFT JOIN
(
    SELECT app, argMax(release, (first_seen, release)) AS newest
    FROM
    (
        SELECT toString(app) AS app, toString(dims['release']) AS release, min(time) AS first_seen
        FROM events_1h
        WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p7:Int64}, 'UTC') AND time < toDateTime({p8:Int64}, 'UTC') AND dims['release'] != ''
        GROUP BY app, release
    )
    GROUP BY app
    HAVING count() > 1
) AS releases
ON occurrence.app = releases.app
GROUP BY app, service, kind, normal_message, normal_frame
ORDER BY occurrences DESC, last_ms DESC, fingerprint
LIMIT {p9:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 1795255200000
-- p3 = 1795345200000
-- p4 = 'error'
-- p5 = 'exception'
-- p6 = '1.0'
-- p7 = 1795255200
-- p8 = 1795345200
-- p9 = 51
