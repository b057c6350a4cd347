-- Exceptions in spans: each span event of that name.
        SELECT
            toString(app) AS app, toString(service) AS service, intDiv(toUnixTimestamp64Nano(time), 1000000) AS at, weight,
            events.attrs['exception.type'] AS kind,
            events.attrs['exception.message'] AS message,
            events.attrs['exception.stacktrace'] AS stack,
            resource_attrs['service.version'] AS release,
            if(attrs['user.id'] != '', concat('u', attrs['user.id']), concat('s', attrs['session.id'])) AS who,
            '' AS event, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span
        FROM spans
        ARRAY JOIN events
        WHERE events.name = 'exception' AND /*where*/
