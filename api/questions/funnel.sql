-- One row per group: people who reached each step, times from the step before and from the first.
-- A person's events are numbers: 38 bits of the time since the range began, from 1; 48 of the device's
-- clock; 10 of the steps matched; 32 of their group's CRC-32. To group and sort numbers is several
-- times as fast as tuples. `begun_k` holds for each event when the latest chain of length k that ends with it
-- began, or 0; `place_k` is the event of the chain that counts at step k, `at_k` its time, or 0.
SELECT
    chain_label AS label,
    [/*people*/] AS people,
    [/*step_ms*/] AS step_ms,
    [/*since_first_ms*/] AS since_first_ms,
    max(person_sampled) AS sampled
FROM
(
    SELECT
        arrayMap(event -> toInt64(bitShiftRight(event, 90)), events) AS times,
        arrayMap(event -> toUInt16(bitAnd(bitShiftRight(event, 32), 1023)), events) AS matches,
        arrayEnumerate(events) AS places,
        arrayMap((at, matched) -> if(bitTest(matched, 0), at, 0), times, matches) AS begun_1,
        /*chains*/,
        arrayFirst(label -> CRC32(label) = bitAnd(events[place_1], 4294967295), labels) AS chain_label,
        person_sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            groupUniqArray(label) AS labels,
            max(weight != 1) AS person_sampled
        FROM
        (
            SELECT
                sipHash128(/*person*/) AS who,
                weight,
                /*group*/ AS label,
                /*steps*/ AS steps,
                bitOr(
                    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(time) - /*since*/ + 1), 90),
                    bitOr(
                        bitShiftLeft(toUInt128(least(greatest(toUnixTimestamp64Milli(ts), 0), 281474976710655)), 42),
                        toUInt128(bitOr(bitShiftLeft(toUInt64(steps), 32), CRC32(label))))) AS event
            FROM events
            WHERE /*where*/
        )
        WHERE steps != 0
        GROUP BY who
    )
)
WHERE at_1 > 0
GROUP BY label
ORDER BY people[1] DESC, label
LIMIT /*limit*/
