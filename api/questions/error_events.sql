-- Events that are errors by their name alone, where that is none of the names in the table of errors.
        SELECT
            toString(app) AS app, /*platform*/ AS platform, '' AS service, toUnixTimestamp64Milli(time) AS at, weight,
            '' AS kind,
            attrs['exception.message'] AS message,
            attrs['exception.stacktrace'] AS stack,
            /*release*/ AS release,
            if(user_id != '', concat('u', user_id), concat('s', session_id)) AS who,
            event_id AS event, '' AS trace, '' AS span
        FROM events
        WHERE /*where*/
