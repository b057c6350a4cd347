-- What one metric's points say by row of a rollup and series: numbers that may be added up.
-- Running totals (cumulative monotonic sums, cumulative histograms, summaries) become increases over
-- the row before of the same series: up to its first point and on to its last. A total that falls, or
-- a start after the last point, is a reset: it counts from zero. A series without a row before counts
-- from zero if it started within the rows that were read, else from its first point.
    (
        SELECT
            app, service, attributes AS dims, time, type, row_count,
            type = 'summary' OR (temporality = 'cumulative' AND (type != 'sum' OR monotonic)) AS running,
            count() OVER before > 0 AS continued,
            continued AND (first_total < any(last_total) OVER before
                OR (started > any(last_point) OVER before AND started <= first_point)) AS reset,
            multiIf(reset, first_total, continued, first_total - any(last_total) OVER before,
                started >= toDateTime(/*since*/, 'UTC'), first_total, 0)
                + if(last_total < first_total, last_total, last_total - first_total) AS gained,
            multiIf(reset, first_number, continued, first_number - any(last_number) OVER before,
                started >= toDateTime(/*since*/, 'UTC'), first_number, 0)
                + if(last_number < first_number, last_number, last_number - first_number) AS gained_number,
            if(running, gained, added) AS sum,
            if(running AND type != 'sum', toFloat64(gained_number), counted) AS count,
            if(type = 'sum', sum, count) AS amount,
            if(running, NULL, least_value) AS min,
            if(running, NULL, most_value) AS max/*more*/
        FROM
        (
            SELECT
                app, service, type, unit, temporality, monotonic, series, time,
                any(dims) AS attributes,
                sum(rows) AS row_count,
                sum(count) AS counted,
                sum(sum) AS added,
                min(min) AS least_value,
                max(max) AS most_value,
                argMinMerge(first) AS first_total,
                argMaxMerge(last) AS last_total,
                toInt64(argMinMerge(first_count)) AS first_number,
                toInt64(argMaxMerge(last_count)) AS last_number,
                min(first_time) AS first_point,
                max(last_time) AS last_point,
                max(start_time) AS started/*more_states*/
            FROM /*table*/
            WHERE /*where*/
            GROUP BY app, service, type, unit, temporality, monotonic, series, time
        )
        WINDOW before AS
        (
            PARTITION BY app, service, type, unit, temporality, monotonic, series
            ORDER BY time
            ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING
        )
    )
