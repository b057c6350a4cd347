-- Services with any span.
SELECT DISTINCT toString(service) AS name
FROM /*table*/
WHERE /*where*/ AND service != ''
ORDER BY name
LIMIT /*limit*/
