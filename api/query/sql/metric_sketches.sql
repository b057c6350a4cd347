-- What is added up for percentiles: sketches of values, and observations by bucket. Of a running
-- histogram these are the last ones, and those before each reset, less the ones before the row.
,
            sketch, zero_threshold,
            (last_quantiles.2, last_quantiles.3) AS quantiles,
            if(of_numbers, NULL, least_value) AS least,
            if(of_numbers, NULL, most_value) AS most,
            (toUInt64(0), CAST([], 'Array(Tuple(Int8, Float64, Float64))'), CAST([], 'Array(UInt64)')) AS emptied,
            multiIf(whole OR (run > 0 AND arrayExists(fell -> fell, falls)), emptied, continued, previous_histogram,
                resumed, stood_histogram, first_histogram) AS less,
            arrayFilter((h, fell) -> fell, arrayPopBack(arrayResize(arraySort(all_histograms), length(totals))), falls)
                AS ended,
            if(running,
                (arrayConcat(last_histogram.2, arrayFlatten(ended.2), less.2),
                    arrayConcat(arrayMap(n -> toInt64(n), last_histogram.3),
                        arrayMap(n -> toInt64(n), arrayFlatten(ended.3)), arrayMap(n -> -toInt64(n), less.3))),
                (observed.1, arrayMap(n -> toInt64(n), observed.2))) AS buckets
