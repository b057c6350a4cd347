-- What percentiles need of each row and series.
,
                                quantilesDDMergeState(/*accuracy*/, 0.5, 0.95, 0.99)(r.sketch) AS sketch,
                                sumMap(r.buckets) AS observed,
                                min(r.first_buckets) AS first_histogram,
                                max(r.last_buckets) AS last_histogram,
                                groupUniqArrayArray(r.histograms) AS all_histograms,
                                max(r.zero_threshold) AS zero_threshold,
                                max(r.quantiles) AS last_quantiles
