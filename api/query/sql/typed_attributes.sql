-- A map of attributes as a JSON object, each value of the type it was sent with. What is no JSON of its type
-- (an infinite number) is a string.
concat('{', arrayStringConcat(arrayMap(
    (k, v, t) -> concat(toJSONString(k), ':', multiIf(
        t = 'n', 'null',
        t NOT IN ('i', 'd', 'b', 'a', 'k') OR NOT isValidJSON(v), toJSONString(v),
        t = 'd' AND match(v, '^-?[0-9]+$'), concat(v, '.0'),
        v)),
    mapKeys(/*attributes*/), mapValues(/*attributes*/),
    arrayResize(splitByString('', toString(/*types*/)), length(/*attributes*/), 's')), ','), '}')
