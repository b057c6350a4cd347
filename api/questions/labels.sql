-- Attributes that the points of metrics carry, the ones on most rows first.
SELECT arrayJoin(mapKeys(dims)) AS key, count() AS total
FROM /*table*/
WHERE /*where*/
GROUP BY key
ORDER BY total DESC, key
LIMIT /*limit*/
