-- What one metric's points say by row of a rollup and series: numbers that may be added up.
-- Running totals (cumulative monotonic sums, cumulative histograms, summaries) become increases: a point
-- adds what it has more than the one before in its run, or all of it where it has less (a reset). The
-- first point of a run adds all of it if the run began since `since`; otherwise, or without a start, it
-- is what later points are compared with. A point whose start is its own time goes on where the series
-- stood. What was last known before the range stands in one row of time 0 or 1 for each run.
-- Each step is a query of its own: names that stand for each other in one are costly to analyse.
    (
        SELECT
            app, service, type, unit, temporality, monotonic, series, running, last, row_count, dims, time, whole,
            multiIf(running, if(of_numbers, gained, gained_sum), temporality != 'delta', added,
                arraySum(if(of_numbers, totals, sums))) AS sum,
            multiIf(of_numbers, if(empty(totals), counted, toFloat64(length(totals))), running, gained,
                arraySum(totals)) AS count,
            if(type = 'sum', sum, count) AS amount,
            if(running, NULL, least_value) AS min,
            if(running, NULL, most_value) AS max/*more*/
        FROM
        (
            SELECT
                *,
                begun OR totals[1] < base AS whole,
                totals[-1] - if(whole, 0, base)
                    + arraySum((fell, before) -> if(fell, before, 0), falls, arrayPopBack(totals)) AS gained,
                sums[-1] - if(whole, 0, base_sum)
                    + arraySum((fell, before) -> if(fell, before, 0), falls, arrayPopBack(sums)) AS gained_sum
            FROM
            (
                SELECT
                    *,
                    NOT continued AND NOT resumed AND first_time != run AND run >= /*since_ns*/ AS begun,
                    multiIf(continued, previous.3, resumed, stood.3, begun, 0, totals[1]) AS base,
                    multiIf(continued, previous_sum, resumed, stood_sum, begun, 0, sums[1]) AS base_sum
                FROM
                (
                    SELECT
                        *,
                        arrayMap((after, before) -> after < before, arrayPopFront(totals), arrayPopBack(totals))
                            AS falls,
                        count() OVER before > 0 AS continued,
                        any(latest) OVER before AS previous,
                        any(latest_sum) OVER before AS previous_sum,
                        any(latest) OVER of_series AS stood,
                        any(latest_sum) OVER of_series AS stood_sum,
                        NOT continued AND run > 0 AND count() OVER of_series > 0
                            AND (first_time = run OR (stood.1 = run AND stood.2 = 0)) AS resumed/*windows*/
                    FROM
                    (
                        SELECT
                            /*identity*/, running, attributes AS dims, slot AS time, row_count, counted, added,
                            least_value, most_value, last, merged.1.3 AS totals, merged.2 AS sums,
                            merged.1[1].1 AS first_time, merged.1[-1] AS latest, sums[-1] AS latest_sum,
                            type IN ('gauge', 'sum') AS of_numbers/*states*/
                        FROM
                        (
                            SELECT
                                /*identity*/, r.time AS slot,
                                /*running*/ AS running,
                                any(r.dims) AS attributes,
                                sum(rows) AS row_count,
                                sum(r.count) AS counted,
                                sum(r.sum) AS added,
                                min(r.min) AS least_value,
                                max(r.max) AS most_value,
                                max(r.last) AS last,
                                maxMap(r.points) AS merged/*more_states*/
                            FROM /*table*/ AS r
                            WHERE /*where*/ AND (NOT /*running*/ OR notEmpty(r.points.1))
                            GROUP BY /*identity*/, slot/*before*/
                        )
                    )
                    WINDOW
                        before AS (PARTITION BY /*identity*/ ORDER BY time ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING),
                        of_series AS (PARTITION BY app, service, type, unit, temporality, monotonic, series
                            ORDER BY latest ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)
                )
            )
        )
    )
