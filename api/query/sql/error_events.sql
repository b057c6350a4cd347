-- Native events that are errors.
        SELECT
            toString(app) AS app, '' AS service, toUnixTimestamp64Milli(time) AS at, weight,
            attrs['exception.type'] AS kind,
            attrs['exception.message'] AS message,
            attrs['exception.stacktrace'] AS stack,
            /*release*/ AS release,
            if(user_id != '', concat('u', user_id), concat('s', session_id)) AS who,
            event_id AS event, '' AS trace, '' AS span
        FROM events
        WHERE /*where*/
