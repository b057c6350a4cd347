-- Exceptions in log records.
        SELECT
            toString(app) AS app, toString(service) AS service, intDiv(toUnixTimestamp64Nano(time), 1000000) AS at, weight,
            attrs['exception.type'] AS kind,
            attrs['exception.message'] AS message,
            attrs['exception.stacktrace'] AS stack,
            resource_attrs['service.version'] AS release,
            if(attrs['user.id'] != '', concat('u', attrs['user.id']), concat('s', attrs['session.id'])) AS who,
            '' AS event,
            if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span
        FROM logs
        WHERE mapContains(attrs, 'exception.type') AND /*where*/
