-- Raw rows by hour of receipt. {only} is empty, or a condition on app.
SELECT org, app, toUnixTimestamp(toStartOfHour(received_at)) AS hour, count() AS n
FROM {database}.{table}
WHERE received_at >= toDateTime64({a:UInt32}, 3, 'UTC') AND received_at < toDateTime64({b:UInt32}, 3, 'UTC') {only}
GROUP BY org, app, hour;
