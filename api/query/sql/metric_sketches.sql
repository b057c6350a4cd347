-- What is added up for percentiles: sketches of values, and observations by bucket. Of a running
-- histogram, what was observed is the last one less the one before; an empty bucket keeps its bound.
,
            values_sketch AS sketch,
            last_histogram.1 AS bounds,
            multiIf(reset OR last_number < first_number, ([], []), continued, any(last_histogram) OVER before,
                started >= toDateTime(/*since*/, 'UTC'), ([], []), first_histogram) AS histogram_before,
            if(running,
                (arrayConcat(last_histogram.1, histogram_before.1),
                    arrayConcat(
                        arrayMap(n -> toInt64(n), last_histogram.2), arrayMap(n -> -toInt64(n), histogram_before.2))),
                (observed.1, arrayMap(n -> toInt64(n), observed.2))) AS buckets
