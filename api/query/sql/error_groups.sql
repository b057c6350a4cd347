-- Groups of errors, the most frequent first, each with its latest occurrence as a sample.
-- toLowCardinality: texts are mostly the same few, and a function of such a column is computed once
-- for each text of a block, which makes this four times as fast.
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
        /*normal_message*/ AS normal_message,
        /*normal_frame*/ AS normal_frame
    FROM
    (
/*occurrences*/
    )
) AS occurrence
LEFT JOIN
(
    SELECT app, argMax(release, (first_seen, release)) AS newest
    FROM
    (
        SELECT toString(app) AS app, toString(dims['release']) AS release, min(time) AS first_seen
        FROM events_1h
        WHERE /*releases*/ AND dims['release'] != ''
        GROUP BY app, release
    )
    GROUP BY app
    HAVING count() > 1
) AS releases
ON occurrence.app = releases.app
GROUP BY app, service, kind, normal_message, normal_frame
ORDER BY occurrences DESC, last_ms DESC, fingerprint
LIMIT /*limit*/
