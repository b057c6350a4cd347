-- Events that match a step, numbered by person; each that matches the first step is a chain.
(
    SELECT
        who, weight, at, steps,
        row_number() OVER (PARTITION BY who ORDER BY at, device_at, steps, label) AS place,
        if(has(steps, 1), (label, [at]), /*no_chain*/) AS chain,
        chain AS longest
    FROM
    (
        SELECT
            /*person*/ AS who,
            weight,
            toUnixTimestamp64Milli(time) AS at,
            toUnixTimestamp64Milli(ts) AS device_at,
            /*group*/ AS label,
            arrayFilter(step -> step > 0, [
                /*steps*/]) AS steps
        FROM events
        WHERE /*where*/
    )
    WHERE notEmpty(steps)
)
