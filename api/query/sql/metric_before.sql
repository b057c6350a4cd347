-- The last point of each run of a running total before the range.

                            UNION ALL
                            SELECT
                                /*identity*/, toDateTime(/*place*/, 'UTC') AS slot,
                                true AS running,
                                any(r.dims) AS attributes,
                                toUInt64(0) AS row_count,
                                toFloat64(0) AS counted,
                                toFloat64(0) AS added,
                                NULL AS least_value,
                                NULL AS most_value,
                                max(r.last) AS last,
                                maxMap([r.points.1[-1]], [r.points.2[-1]]) AS merged/*more_states*/
                            FROM /*table*/ AS r
                            WHERE /*running*/ AND notEmpty(r.points.1) AND /*where*/
                            GROUP BY /*identity*/
