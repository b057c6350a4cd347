-- {what} of raw rows or of a rollup, by bucket ({step}) of event time. {only} is empty, or a condition on app.
SELECT org, app, toUnixTimestamp({step}(toDateTime({time}, 'UTC'))) AS begin, {what} AS n
FROM {database}.{table} AS t
WHERE {time} >= toDateTime({a:UInt32}, 'UTC') AND {time} < toDateTime({b:UInt32}, 'UTC') {only}
GROUP BY org, app, begin
HAVING n > 0;
