-- Some events of one type, as far as their form goes.
SELECT
    /*attributes*/ AS sent_attrs,
    /*device*/ AS sent_device,
    value, unit,
    event_id != '' AS has_id, session_id != '' AS has_session, user_id != '' AS has_user
FROM events
WHERE /*where*/
LIMIT /*limit*/
