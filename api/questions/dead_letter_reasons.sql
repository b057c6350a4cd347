-- How many dead letters there are of each reason.
SELECT reason, count() AS total
FROM dead_letters
WHERE /*where*/
GROUP BY reason
ORDER BY total DESC, reason
LIMIT 100
