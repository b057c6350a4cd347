-- Rate, errors and duration, the ones called most first, each with a trace to look at.
SELECT
    toString(service) AS called,
    /*operation*/ AS doing,
    sum(count) AS calls,
    sum(errors) AS failed,
    sum(duration_sum) / calls / 1e6 AS mean_ms,
    max(duration_max) / 1e6 AS max_ms,
    /*levels*/ AS levels_ms,
    lower(hex(max(trace_id))) AS trace,
    sum(count) != sum(rows) AS sampled
FROM /*table*/
WHERE /*where*/
GROUP BY called, doing
ORDER BY calls DESC, called, doing
LIMIT /*limit*/
