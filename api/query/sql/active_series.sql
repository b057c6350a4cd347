-- How many series there are of each kind in the hour before and this one, over all orgs: every row of
-- these tables is one for each hour. What an operator has to know, and no question of a token asks.
SELECT 'metrics' AS kind, uniqCombined(org, app, name, series) AS series
FROM metrics_1h WHERE time >= toStartOfHour(now('UTC') - INTERVAL 1 HOUR)
UNION ALL
SELECT 'events' AS kind, uniqCombined(org, app, name, toString(dims)) AS series
FROM events_1h WHERE time >= toStartOfHour(now('UTC') - INTERVAL 1 HOUR)
UNION ALL
SELECT 'spans' AS kind, uniqCombined(org, app, service, operation, kind, status) AS series
FROM spans_1h WHERE time >= toStartOfHour(now('UTC') - INTERVAL 1 HOUR)
