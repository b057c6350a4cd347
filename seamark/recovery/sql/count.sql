-- What `seamark verify` compares, by org, app, signal and hour of receipt. {only} is empty, or a condition on app.
--: named = offered, accepted, sampled, limited, duplicate, dead_lettered, stored, archived
--: sums = [sum(l.{name}) AS {name} for name in {named}]
SELECT org, app, signal, toUnixTimestamp(toStartOfHour(l.minute)) AS hour,
    sum(arraySum(mapValues(l.rejected))) AS rejected,
    {sums}
FROM {database}.ledger AS l
WHERE l.minute >= toDateTime({a:UInt32}, 'UTC') AND l.minute < toDateTime({b:UInt32}, 'UTC') {only}
GROUP BY org, app, signal, hour;

SELECT counts.org AS org, counts.app AS app, signal, toUnixTimestamp(toStartOfHour(counts.minute)) AS hour,
    sum(counts.rows) AS n
FROM {database}.archive_files FINAL ARRAY JOIN counts
WHERE state = 'live' AND counts.minute >= toDateTime({a:UInt32}, 'UTC')
    AND counts.minute < toDateTime({b:UInt32}, 'UTC') {only}
GROUP BY org, app, signal, hour;
