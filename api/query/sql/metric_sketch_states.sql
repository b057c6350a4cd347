-- What percentiles need of each row and series.
,
                quantilesDDMergeState(/*accuracy*/, 0.5, 0.95, 0.99)(sketch) AS values_sketch,
                sumMap(buckets) AS observed,
                argMaxMerge(last_buckets) AS last_histogram,
                argMinMerge(first_buckets) AS first_histogram
