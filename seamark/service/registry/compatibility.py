"""Whether one JSON Schema accepts all that another accepts, as far as that can be decided. Pure.

    problems(wide, narrow) -> why `wide` may refuse what `narrow` accepts; empty: it accepts all

An empty answer is certain; what cannot be compared is a problem of its own. Keywords of JSON Schema
2020-12 only ever restrict, so what `narrow` has beyond `wide` does no harm.
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"$schema", "$id", "$comment", "$anchor", "format"}
)
_LOWEST: Final = {
    "minimum": "number",
    "exclusiveMinimum": "number",
    "minLength": "string",
    "minItems": "array",
    "minProperties": "object",
}
_HIGHEST: Final = {
    "maximum": "number",
    "exclusiveMaximum": "number",
    "maxLength": "string",
    "maxItems": "array",
    "maxProperties": "object",
}
_COMPARED: Final = frozenset(
    {"type", "enum", "const", "properties", "additionalProperties", "required", "items"}
    | {*_LOWEST, *_HIGHEST}
)
_TYPES: Final = frozenset({"null", "boolean", "object", "array", "string", "number"})
_REACHING: Final = frozenset({"patternProperties", "prefixItems"})
"""They take members away from `additionalProperties` and `items`."""
_DEEPEST: Final = 32

Schema = Mapping[str, Any] | bool


def problems(wide: Schema, narrow: Schema) -> list[str]:
    """Why not everything that `narrow` takes is certainly taken by `wide`."""
    if wide == narrow:
        return []
    found = list(_problems(wide, narrow, "", 0))
    if any("$ref" in str(each) or "$dynamicRef" in str(each) for each in (wide, narrow)):
        found.append("what $ref leads to cannot be compared; write it out where it is used")
    return found


def _problems(wide: Schema, narrow: Schema, path: str, depth: int) -> Iterator[str]:
    if narrow is False or wide == narrow:
        return
    at = path or "the event"
    other = narrow if isinstance(narrow, Mapping) else {}
    if not isinstance(wide, Mapping):
        if not wide:
            yield f"{at} was allowed and is not"
        return
    if depth > _DEEPEST:
        yield f"{at} is nested too deep to be compared"
        return
    for keyword in wide.keys() - _COMPARED - _ANNOTATIONS - {"$defs"}:
        if wide[keyword] != other.get(keyword):
            yield f"{at}: {keyword} cannot be compared; keep it as it is, or use another type"
    for keyword in (wide.keys() | other.keys()) & _REACHING:
        if wide.get(keyword) != other.get(keyword):
            yield f"{at}: {keyword} cannot be compared; keep it as it is, or use another type"
    yield from _types(wide, other, at)
    yield from _values(wide, other, at)
    yield from _bounds(wide, other, at)
    if "array" in types_of(other):
        yield from _problems(
            wide.get("items", True), other.get("items", True), f"{path}/*", depth + 1
        )
    if "object" in types_of(other):
        yield from _members(wide, other, path, depth)


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema takes; whole numbers count as numbers."""
    named = schema.get("type", _TYPES)
    found = {named} if isinstance(named, str) else set(named)
    return frozenset("number" if each == "integer" else each for each in found)


def _types(wide: Mapping[str, Any], narrow: Mapping[str, Any], at: str) -> Iterator[str]:
    if "type" not in wide:
        return
    named = wide["type"]
    allowed = {named} if isinstance(named, str) else set(named)
    taken = narrow.get("type", [*_TYPES])
    for each in sorted({taken} if isinstance(taken, str) else set(taken)):
        if each not in allowed and not (each == "integer" and "number" in allowed):
            yield f"{at} could be of type {each} and cannot"


def _values(wide: Mapping[str, Any], narrow: Mapping[str, Any], at: str) -> Iterator[str]:
    allowed = _listed(wide)
    if allowed is None:
        return
    taken = _listed(narrow)
    if taken is None:
        yield f"{at} could have any value and has to be one of a list"
        return
    for value in taken:
        if not any(_same(value, each) for each in allowed):
            yield f"{at} could be {value!r} and cannot"


def _listed(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _same(one: Any, other: Any) -> bool:
    """Equal in JSON, where true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _bounds(wide: Mapping[str, Any], narrow: Mapping[str, Any], at: str) -> Iterator[str]:
    types = types_of(narrow)
    for keywords, sign in ((_LOWEST, 1), (_HIGHEST, -1)):
        for keyword, kind in keywords.items():
            if keyword not in wide or kind not in types:
                continue
            bound = narrow.get(keyword)
            if bound is None or sign * bound < sign * wide[keyword]:
                yield f"{at}: {keyword} is {wide[keyword]} and was {bound}"


def _members(
    wide: Mapping[str, Any], narrow: Mapping[str, Any], path: str, depth: int
) -> Iterator[str]:
    at = path or "the event"
    for name in sorted(set(wide.get("required", ())) - set(narrow.get("required", ()))):
        yield f"{at}: {name} could be missing and cannot"
    named: Mapping[str, Any] = wide.get("properties", {})
    others: Mapping[str, Any] = narrow.get("properties", {})
    rest, other_rest = (each.get("additionalProperties", True) for each in (wide, narrow))
    for name in sorted(named.keys() | others.keys()):
        yield from _problems(
            named.get(name, rest), others.get(name, other_rest), f"{path}/{name}", depth + 1
        )
    yield from _problems(rest, other_rest, f"{path}/*", depth + 1)
