-- Percentiles of one bucket, from histograms; without observations those of summaries, else from sketches.
-- A histogram's bucket is (127, lower, upper), an exponential one's (scale, index, sign), its zero bucket
-- (126, 0, 0). Exponential ones are brought to the coarsest scale among them.
-- `least` and `most` bound all observations where every row that has any has them.
-- Each step is the argument of a lambda: names that stand for each other are costly to analyse.
arrayMap((summed, zero, smallest, largest, reported, otherwise) -> arrayMap(scaled ->
        arrayMap((is_above, is_below) -> arrayMap(placed -> arrayMap(passed -> arrayMap(places -> multiIf(
            notEmpty(placed), arrayMap((b, share) -> greatest(smallest, least(largest, multiIf(
                b.4, b.1 * pow(b.2 / b.1, share),
                isInfinite(b.1) AND isInfinite(b.2), smallest + (largest - smallest) * share,
                isInfinite(b.2), ifNull(largest, b.1),
                isInfinite(b.1), ifNull(smallest, least(0, b.2)) + (b.2 - ifNull(smallest, least(0, b.2))) * share,
                b.1 + (b.2 - b.1) * share))),
                arrayMap(place -> placed[place], places),
                arrayMap((level, place) -> (level * passed[-1] - passed[place]) / placed[place].3 + 1,
                    [{levels}], places)),
            notEmpty(reported.1), arrayMap(level -> if(has(reported.1, level), reported.2[indexOf(reported.1, level)],
                NULL), [{levels}]),
            otherwise),
        [arrayMap(level -> arrayFirstIndex(c -> c > level * passed[-1] OR (c = level * passed[-1] AND
            (level < 0.5 OR c = passed[-1] OR NOT (is_above OR is_below))), passed), [{levels}])])[1],
        [arrayCumSum(placed.3)])[1],
        [arraySort(arrayFilter(b -> b.3 > 0, arrayMap((k, n) -> (
            multiIf(k.1 = 127, k.2, k.1 = 126, if(is_below OR NOT is_above, -zero, 0),
                k.3 > 0, exp2(k.2 * exp2(-k.1)), -exp2((k.2 + 1) * exp2(-k.1))),
            multiIf(k.1 = 127, k.3, k.1 = 126, if(is_above OR NOT is_below, zero, 0),
                k.3 > 0, exp2((k.2 + 1) * exp2(-k.1)), -exp2(k.2 * exp2(-k.1))),
            n, k.1 < 126), scaled.1, scaled.2)))])[1],
        [arrayExists(k -> k.1 < 126 AND k.3 > 0, scaled.1)],
        [arrayExists(k -> k.1 < 126 AND k.3 < 0, scaled.1)])[1],
        arrayMap(coarsest -> arrayReduce('sumMap',
            [arrayMap(k -> if(k.1 < 126, (coarsest, floor(k.2 / exp2(k.1 - coarsest)), k.3), k), summed.1)],
            [summed.2]),
            [arrayMin(arrayPushBack(arrayFilter(s -> s < 126, summed.1.1), toInt8(127)))]))[1],
        [sumMap(buckets)],
        [max(zero_threshold)],
        [if(countIf(amount > 0 AND least IS NULL) = 0, min(least), NULL)],
        [if(countIf(amount > 0 AND most IS NULL) = 0, max(most), NULL)],
        [maxMap(quantiles)],
        [/*otherwise*/])[1]
