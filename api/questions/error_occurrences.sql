-- Occurrences.
        SELECT
            toString(app) AS app, toString(dims['platform']) AS platform, toString(service) AS service,
            toUnixTimestamp64Milli(time) AS at, weight,
            toString(kind) AS kind, message, stack, toString(release) AS release, who, event_id AS event,
            if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span
        FROM errors
        WHERE /*where*/ AND /*filters*/
