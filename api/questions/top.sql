-- The largest values, what the others make together, and the total (`is_total`), with how many
-- different values there are.
SELECT label, value, is_total, groups, sampled/*kinds*/
FROM
(
    SELECT
        if(/*key*/ IN
        (
            SELECT /*key*/ AS key
            FROM /*rows*/
            WHERE /*where*/
            GROUP BY key
            ORDER BY /*value*/ DESC NULLS LAST, key
            LIMIT /*limit*/
        ), /*key*/, /*other*/) AS label,
        /*value*/ AS value,
        grouping(label) AS is_total,
        uniqExact(/*key*/) AS groups,
        /*sampled*/ AS sampled/*found_kinds*/
    FROM /*rows*/
    WHERE /*where*/
    GROUP BY GROUPING SETS ((label), ())
)
ORDER BY is_total DESC, label = /*other*/, value DESC NULLS LAST, label
