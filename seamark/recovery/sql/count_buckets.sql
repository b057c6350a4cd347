-- {what} of raw rows or of a rollup, by bucket ({step} seconds) of event time: {second} is the second of a row.
-- {only} is empty, or a condition on app.
SELECT org, app, intDiv({second}, {step}) * {step} AS begin, {what} AS n
FROM {database}.{table} AS t
WHERE {second} >= {a:Int64} AND {second} < {b:Int64} {only}
GROUP BY org, app, begin
HAVING n > 0;
