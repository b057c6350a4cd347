-- Whether a log record's exception is not one that its span recorded as well.
(source != 'log' OR (toString(app), trace_id, span_id, toString(kind)) NOT IN
(
    SELECT toString(app), trace_id, span_id, toString(kind)
    FROM errors
    WHERE /*around*/ AND source = 'span' AND span_id != toFixedString('', 8)
))
