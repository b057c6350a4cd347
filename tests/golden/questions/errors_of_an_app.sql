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
WITH arraySort(groupUniqArrayArray(every_release)) AS all_releases
SELECT
    leftPad(lower(hex(sipHash64(app, service, kind, frames, normal_message))), 16, '0') AS fingerprint,
    app, service, kind,
    substring(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(substringIndex(sample.6, '\n', 1), {p9:String}, {p10:String}), {p11:String}, {p10:String}), {p12:String}, {p10:String}), 1, 300) AS message_shown,
    substringIndex(frames, '\n', 1) AS top_frame,
    sum(occurrences) AS total,
    uniqExactIfMerge(people_state) AS people,
    min(first_at) AS first_ms,
    max(last_at) AS last_ms,
    arraySlice(arrayFilter(x -> x != '', all_releases), 1, 20) AS releases_shown,
    if(length(all_releases) = 1 AND all_releases[1] = any(newest), all_releases[1], '') AS new_in,
    max(latest) AS sample,
    max(weighted) AS sampled
FROM
(
    SELECT
        *,
        splitByChar('\n', replaceAll(trace_text, ')\n\t/', ') /')) AS all_lines,
        if(position(trace_text, {p19:String}) > 0, arrayReverse(all_lines), all_lines) AS inner_first,
        arraySlice(inner_first, 1, 100) AS lines,
        arrayFilter(x -> match(x, {p16:String}), lines) AS found_frames,
        arrayFilter(x -> NOT match(x, {p18:String}), found_frames) AS own_frames,
        if(empty(own_frames), found_frames, own_frames) AS chosen_frames,
        arrayStringConcat(arraySlice(chosen_frames, 1, 3), '\n') AS joined,
        replaceRegexpAll(replaceRegexpAll(joined, {p13:String}, {p14:String}), {p15:String}, {p10:String}) AS frames,
        if(frames != '', '', substring(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(substringIndex(latest.6, '\n', 1), {p9:String}, {p10:String}), {p11:String}, {p10:String}), {p12:String}, {p10:String}), 1, 300)) AS normal_message
    FROM
    (
        SELECT
            app, service, kind,
            if(match(toLowCardinality(stack), {p17:String}), stack, '') AS trace_text,
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
        SELECT
            toString(app) AS app, toString(service) AS service, toUnixTimestamp64Milli(time) AS at, weight,
            toString(kind) AS kind, message, stack, toString(release) AS release, who, event_id AS event,
            if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span
        FROM errors
        WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p7:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p8:Int64}, 'UTC') AND source IN ('event', 'span', 'log') AND (source != 'event' OR kind != '' OR name IN ({p2:String}, {p3:String})) AND (source != 'log' OR (toString(app), trace_id, span_id, toString(kind)) NOT IN
(
    SELECT toString(app), trace_id, span_id, toString(kind)
    FROM errors
    WHERE org = {p0:String} AND app = {p1:String} AND time >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND source = 'span' AND span_id != toFixedString('', 8)
)) AND toString(release) = {p6:String}
        )
        GROUP BY app, service, kind, trace_text, line
    )
) AS occurrence
LEFT JOIN
(
    SELECT app, argMax(release, (first_seen, release)) AS newest
    FROM
    (
        SELECT toString(app) AS app, toString(dims['release']) AS release, min(time) AS first_seen
        FROM events_1h
        WHERE org = {p0:String} AND app = {p1:String} AND time >= toDateTime({p20:Int64}, 'UTC') AND time < toDateTime({p21:Int64}, 'UTC') AND dims['release'] != ''
        GROUP BY app, release
    )
    GROUP BY app
    HAVING count() > 1
) AS releases
ON occurrence.app = releases.app
GROUP BY app, service, kind, frames, normal_message
ORDER BY total DESC, last_ms DESC, fingerprint
LIMIT {p22:UInt64}
-- p0 = 'acme'
-- p1 = 'shop'
-- p2 = 'error'
-- p3 = 'exception'
-- p4 = 1795251600000
-- p5 = 1795348800000
-- p6 = '1.0'
-- p7 = 1795255200000
-- p8 = 1795345200000
-- p9 = '"[^"\\n]*"|\\B\'[^\'\\n]*\'|`[^`\\n]*`|‘[^’\n]*’|“[^”\n]*”|«[^»\n]*»|\\b[A-Za-z][A-Za-z0-9+.-]*://[^ \\t\\n"\'<>|()\\[\\]{},;]*[^ \\t\\n"\'<>|()\\[\\]{},;:.!?]|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+|(?:\\b[A-Za-z]:|\\B~|\\B\\.{1,2}|\\B)[/\\\\][^ \\t\\n"\'<>|()\\[\\]{},;]*[^ \\t\\n"\'<>|()\\[\\]{},;:.!?]'
-- p10 = '<*>'
-- p11 = '\\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\\b|\\b(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?(?:(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?) [0-9]{1,2}\\b,?|[0-9]{1,2}[ -](?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b)(?:[ -][0-9]{4}\\b)?(?:,? (?:at )?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm]\\b)?)?(?: ?(?:GMT|UTC|Z)\\b)?(?: ?[+-][0-9]{2}:?[0-9]{2}\\b)?(?: \\([A-Z][A-Za-z ]*\\))?|\\b[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}(?:(?:[T ]|, )[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm]\\b)?)?(?: ?(?:GMT|UTC|Z)\\b)?(?: ?[+-][0-9]{2}:?[0-9]{2}\\b)?(?: \\([A-Z][A-Za-z ]*\\))?|\\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm]\\b)?|\\b[0-9]{1,3}(?:\\.[0-9]{1,3}){3}(?:[:/][0-9]+)?\\b|\\b(?:[23][0-9a-fA-F]{3}|[fF][cCdD][0-9a-fA-F]{2}|[fF][eE][89abAB][0-9a-fA-F])(?:(?::[0-9a-fA-F]{0,4}){1,6}(?::[0-9a-fA-F]{1,4}\\b|::)|::)|\\B::(?:ffff:)?[0-9](?:[0-9a-fA-F.:]*[0-9a-fA-F])?\\b'
-- p12 = '(?:\\b|_)[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\\b|(?:\\b|_)[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}\\b|\\b0[xX][0-9a-fA-F]+|\\b[0-9]+(?:[.,][0-9]+)+(?:[eE][+-]?[0-9]+)?\\b|[.-](?:[a-fA-F]{0}[0-9][0-9a-fA-F]{5,}|[a-fA-F]{1}[0-9][0-9a-fA-F]{4,}|[a-fA-F]{2}[0-9][0-9a-fA-F]{3,}|[a-fA-F]{3}[0-9][0-9a-fA-F]{2,}|[a-fA-F]{4}[0-9][0-9a-fA-F]{1,}|[a-fA-F]{5}[0-9][0-9a-fA-F]{0,}|[a-fA-F]{6,}[0-9][0-9a-fA-F]*|[0-9a-fA-F]{8,}|[A-Za-z_]{0}[0-9][A-Za-z0-9_]{7}|[A-Za-z_]{1}[0-9][A-Za-z0-9_]{6}|[A-Za-z_]{2}[0-9][A-Za-z0-9_]{5}|[A-Za-z_]{3}[0-9][A-Za-z0-9_]{4}|[A-Za-z_]{4}[0-9][A-Za-z0-9_]{3}|[A-Za-z_]{5}[0-9][A-Za-z0-9_]{2}|[A-Za-z_]{6}[0-9][A-Za-z0-9_]{1}|[A-Za-z_]{7}[0-9][A-Za-z0-9_]{0})\\.(?:[cm]?[jt]sx?|css|map|wasm|html?|json|chunk|bundle|min)\\b|(?:\\b|_)(?:[a-fA-F]{0}[0-9][0-9a-fA-F]{5,}|[a-fA-F]{1}[0-9][0-9a-fA-F]{4,}|[a-fA-F]{2}[0-9][0-9a-fA-F]{3,}|[a-fA-F]{3}[0-9][0-9a-fA-F]{2,}|[a-fA-F]{4}[0-9][0-9a-fA-F]{1,}|[a-fA-F]{5}[0-9][0-9a-fA-F]{0,}|[a-fA-F]{6,}[0-9][0-9a-fA-F]*|[0-9a-fA-F]{8,})\\b|\\b[A-Za-z]*[0-9]+[A-Za-z]+[0-9][A-Za-z0-9]*\\b|(?:\\B-|_)?[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+\\b)?'
-- p13 = '(?m)^[ \\t]*(?:at (?:async )?|#[0-9]+ |from )|^[ \\t]+|:line [0-9]+|, line [0-9]+|:[0-9]+(?::[0-9]+)?\\b|\\([0-9]+\\)|\\(0x[^)\\n]*\\)| \\+0x[0-9a-f]+|\\?[^ \\t\\n)]*|[^ \\t\\n("\'@$]*[/\\\\]'
-- p14 = ''
-- p15 = '[.-](?:[a-fA-F]{0}[0-9][0-9a-fA-F]{5,}|[a-fA-F]{1}[0-9][0-9a-fA-F]{4,}|[a-fA-F]{2}[0-9][0-9a-fA-F]{3,}|[a-fA-F]{3}[0-9][0-9a-fA-F]{2,}|[a-fA-F]{4}[0-9][0-9a-fA-F]{1,}|[a-fA-F]{5}[0-9][0-9a-fA-F]{0,}|[a-fA-F]{6,}[0-9][0-9a-fA-F]*|[0-9a-fA-F]{8,}|[a-z_]{0}[A-Z0-9][A-Za-z0-9_]{7}|[a-z_]{1}[A-Z0-9][A-Za-z0-9_]{6}|[a-z_]{2}[A-Z0-9][A-Za-z0-9_]{5}|[a-z_]{3}[A-Z0-9][A-Za-z0-9_]{4}|[a-z_]{4}[A-Z0-9][A-Za-z0-9_]{3}|[a-z_]{5}[A-Z0-9][A-Za-z0-9_]{2}|[a-z_]{6}[A-Z0-9][A-Za-z0-9_]{1}|[a-z_]{7}[A-Z0-9][A-Za-z0-9_]{0})\\.(?:[cm]?[jt]sx?|css|map|wasm|html?|json|chunk|bundle|min)\\b|\\b0[xX][0-9a-fA-F]+|(?:\\b|_|\\$)(?:[a-fA-F]{0}[0-9][0-9a-fA-F]{5,}|[a-fA-F]{1}[0-9][0-9a-fA-F]{4,}|[a-fA-F]{2}[0-9][0-9a-fA-F]{3,}|[a-fA-F]{3}[0-9][0-9a-fA-F]{2,}|[a-fA-F]{4}[0-9][0-9a-fA-F]{1,}|[a-fA-F]{5}[0-9][0-9a-fA-F]{0,}|[a-fA-F]{6,}[0-9][0-9a-fA-F]*|[0-9a-fA-F]{8,})\\b|\\$(?:0[xX][0-9a-fA-F]+|[A-Za-z]*[0-9]+)'
-- p16 = '^[ \\t]*at [^ \\n]|^[ \\t]*File "[^"\\n]*", line [0-9]+|^[^ \\t\\n@]*@[^ \\t\\n]+:[0-9]+(?::[0-9]+)?$|^[^ \\t\\n][^(\\n]*\\([^\\n]*\\) /[^ \\n]+:[0-9]+|^[ \\t]*(?:from )?[^ \\t\\n]+:[0-9]+:in |^#[0-9]+ '
-- p17 = '(?m)^[ \\t]*at [^ \\n]|^[ \\t]*File "[^"\\n]*", line [0-9]+|^[^ \\t\\n@]*@[^ \\t\\n]+:[0-9]+(?::[0-9]+)?$|^[^ \\t\\n][^(\\n]*\\([^\\n]*\\) /[^ \\n]+:[0-9]+|^[ \\t]*(?:from )?[^ \\t\\n]+:[0-9]+:in |^#[0-9]+ |^[^ \\t\\n][^(\\n]*\\([^\\n]*\\)\\n\\t/[^ \\n]+:[0-9]+'
-- p18 = 'node_modules[/\\\\]|[ (]node:|[ (]internal/|\\(<anonymous>\\)|\\(native\\)|\\(index [0-9]+\\)|\\[native code\\]|webpack/(?:runtime|bootstrap)|-extension://|(?:site|dist)-packages[/\\\\]|[/\\\\]lib[/\\\\]python[0-9]|<frozen |[/\\\\]gems[/\\\\]|/vendor/|at (?:[a-z.]+/)?(?:javax?|jdk|sun|com\\.sun|kotlinx?|scala|groovy|android|dalvik)\\.|at (?:org\\.(?:springframework|apache|eclipse|hibernate|junit)|io\\.netty|reactor)\\.|at (?:System|Microsoft)\\.|at (?:core|std|tokio)::|/rustc/|/go/src/runtime/|/usr/local/go/|/go/pkg/mod/|^(?:runtime|panic)[.(]'
-- p19 = ' File "'
-- p20 = 1795255200
-- p21 = 1795345200
-- p22 = 51
