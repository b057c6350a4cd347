-- Keys of some raw rows, the ones on most rows first; '' stands for a row without attributes.
SELECT arrayJoin(if(empty(keys), [''], keys)) AS key, count() AS total
FROM
(
    SELECT arrayMap(key -> toString(key), arrayConcat(/*keys*/)) AS keys
    FROM /*table*/
    WHERE /*where*/
    LIMIT /*rows*/
)
GROUP BY key
ORDER BY total DESC, key
LIMIT /*limit*/
