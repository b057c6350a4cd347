-- One row per group: people who reached each step, times from the step before and from the first.
-- A person's events are numbers: 38 bits of the time since the range began, from 1; 48 of the device's
-- clock; 4 of the first step that the event matches; 10 of the steps it matches, step 1 being the highest
-- bit. To group and sort numbers is several times as fast as tuples. The order of two events depends on
-- the first step in which they differ, so a later step never changes what an earlier one counts.
-- `begun_k` holds for each event when the latest chain of length k that ends with it began, or 0; at `at_k`
-- the earliest chain of length k ends, which began at `from_k`; at `before_k` its step before was reached.
SELECT
    group_label AS label,
    [/*people*/] AS people,
    [/*step_ms*/] AS step_ms,
    [/*since_first_ms*/] AS since_first_ms,
    max(person_sampled) AS sampled
FROM
(
    SELECT
        arrayMap(event -> toInt64(bitShiftRight(event, 62)), events) AS times,
        arrayMap(event -> toUInt16(bitAnd(event, 1023)), events) AS matches,
        arrayEnumerate(events) AS places,
        /*chains*/,
        group_label,
        person_sampled
    FROM
    (
        SELECT
            arraySort(groupArray(event)) AS events,
            argMinIf(label, (bitShiftRight(event, 14), label), bitTest(steps, 9)) AS group_label,
            max(weight != 1) AS person_sampled
        FROM
        (
            SELECT
                sipHash128(/*person*/) AS who,
                weight,
                /*group*/ AS label,
                /*steps*/ AS steps,
                bitOr(
                    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(time) - /*since*/ + 1), 62),
                    toUInt128(bitOr(
                        bitShiftLeft(toUInt64(least(greatest(toUnixTimestamp64Milli(ts), 0), 281474976710655)), 14),
                        bitOr(
                            bitShiftLeft(toUInt64(9 - floor(log2(greatest(steps, 1)))), 10),
                            toUInt64(steps))))) AS event
            FROM events
            /*join*/
            WHERE /*where*/
        )
        WHERE steps != 0
        GROUP BY who
        HAVING max(bitTest(steps, 9))
    )
)
GROUP BY label
ORDER BY people[1] DESC, label
LIMIT /*limit*/
