-- Values of one dimension, the ones that count most first.
SELECT /*dimension*/ AS value, sum(count) AS total
FROM /*table*/
WHERE /*where*/ AND value != ''
GROUP BY value
ORDER BY total DESC, value
LIMIT /*limit*/
