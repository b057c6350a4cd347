-- Occurrences. What was there before the table was made counts unless a block that was sent again says the same.
        SELECT
            toString(app) AS app, toString(service) AS service, toUnixTimestamp64Milli(time) AS at, weight,
            toString(kind) AS kind, message, stack, toString(release) AS release, who, event_id AS event,
            if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span
        FROM errors
        WHERE /*where*/ AND /*filters*/ AND
        (
            NOT backfilled OR (received_at, receipt, event_id) NOT IN
            (
                SELECT received_at, receipt, event_id
                FROM errors
                WHERE /*where*/ AND NOT backfilled
                    AND received_at <= (SELECT max(received_at) FROM errors WHERE /*where*/ AND backfilled)
            )
        )
