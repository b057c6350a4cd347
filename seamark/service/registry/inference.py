"""A schema proposed from events that were stored: it takes each of them. Pure.

It says of what types members are, and which are always there; people know what else should hold.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_MEMBERS: Final = 100
"""Of an object; the rarest beyond them are left out of the schema, which allows others."""
_NAMES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (dict, "object"),
    (list, "array"),
    (type(None), "null"),
)


def proposed_schema(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of some events, at least one."""
    return _schema([dict(event) for event in events])


def _schema(values: Sequence[Any]) -> dict[str, Any]:
    types = {_type(value) for value in values}
    if "number" in types:
        types.discard("integer")
    named = sorted(types)
    made: dict[str, Any] = {"type": named[0] if len(named) == 1 else named}
    if objects := [value for value in values if isinstance(value, dict)]:
        made |= _members(objects)
    return made


def _members(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counted = Counter(key for each in objects for key in each)
    chosen = sorted(key for key, _ in counted.most_common(MOST_MEMBERS))
    properties = {key: _schema([each[key] for each in objects if key in each]) for key in chosen}
    required = [key for key in chosen if counted[key] == len(objects)]
    made: dict[str, Any] = {"properties": properties}
    return {**made, "required": required} if required else made


def _type(value: Any) -> str:
    return next(name for kind, name in _NAMES if isinstance(value, kind))
