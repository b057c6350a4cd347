-- Groups of errors, the most frequent first, each with its latest occurrence as a sample.
-- First what agrees in its stack trace (without frames: in its message) is counted, so that patterns
-- are applied once to each distinct text; then what the rule of error_grouping.py makes the same.
WITH arraySort(groupUniqArrayArray(every_release)) AS all_releases
SELECT
    leftPad(lower(hex(sipHash64(app, service, kind, frames, normal_message))), 16, '0') AS fingerprint,
    app, service, kind,
    /*normal_sample*/ AS message_shown,
    substringIndex(frames, '\n', 1) AS top_frame,
    sum(occurrences) AS total,
    uniqExactIfMerge(people_state) AS people,
    min(first_at) AS first_ms,
    max(last_at) AS last_ms,
    arraySlice(arrayFilter(x -> x != '', all_releases), 1, 20) AS releases_shown,
    if(length(all_releases) = 1 AND groupUniqArray(newest) = all_releases, all_releases[1], '') AS new_in,
    max(latest) AS sample,
    max(weighted) AS sampled
FROM
(
    SELECT
        *,
        splitByChar('\n', replaceAll(trace_text, ')\n\t/', ') /')) AS all_lines,
        if(position(trace_text, /*innermost_last*/) > 0, arrayReverse(all_lines), all_lines) AS inner_first,
        arraySlice(inner_first, 1, /*max_lines*/) AS lines,
        arrayFilter(x -> match(x, /*frame*/), lines) AS found_frames,
        arrayFilter(x -> NOT match(x, /*outside*/), found_frames) AS own_frames,
        if(empty(own_frames), found_frames, own_frames) AS chosen_frames,
        arrayStringConcat(arraySlice(chosen_frames, 1, /*max_frames*/), '\n') AS joined,
        /*normal_frames*/ AS frames,
        if(frames != '', '', /*normal_line*/) AS normal_message
    FROM
    (
        SELECT
            app, platform, service, kind,
            if(match(toLowCardinality(stack), /*any_frame*/), stack, '') AS trace_text,
            if(trace_text != '', '', substringIndex(message, '\n', 1)) AS line,
            sum(weight) AS occurrences,
            uniqExactIfState(who, who != 's') AS people_state,
            min(at) AS first_at,
            max(at) AS last_at,
            groupUniqArray(release) AS every_release,
            max((at, event, trace, span, release, substring(message, 1, 4096), substring(stack, 1, 16384))) AS latest,
            max(weight != 1) AS weighted
        FROM
        (
/*occurrences*/
        )
        GROUP BY app, platform, service, kind, trace_text, line
    )
) AS occurrence
LEFT JOIN
(
    -- Of each app and platform; of platform '', which spans and log records have, over all of the app's.
    SELECT app, of_platform AS platform, argMax(release, (first_seen, release)) AS newest
    FROM
    (
        SELECT
            toString(app) AS app,
            arrayJoin(arrayDistinct(['', toString(dims['platform'])])) AS of_platform,
            toString(dims['release']) AS release,
            min(time) AS first_seen
        FROM events_1h
        WHERE /*releases*/ AND dims['release'] != ''
        GROUP BY app, of_platform, release
    )
    GROUP BY app, of_platform
    HAVING count() > 1
) AS releases
ON occurrence.app = releases.app AND occurrence.platform = releases.platform
GROUP BY app, service, kind, frames, normal_message
ORDER BY total DESC, last_ms DESC, fingerprint
LIMIT /*limit*/
