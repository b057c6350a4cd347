"""Keys of raw rows as SQL: columns, and attributes under a spelling that finds each of them.

A key is one of the named columns, else an attribute of the item, else one of what the item belongs
to (its resource; of events, the device). With a prefix it is looked for in one place alone:
`attr.app` is the attribute `app` although there is a column `app`, `resource.host.name` is the
`host.name` of the resource. An attribute whose own name begins with a prefix is found behind
another prefix: `attr.resource.name`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.query.filters import Column
from api.query.statement import AttributeUse, Values
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_KEY_CHARS: Final = 1024


@dataclass(frozen=True, slots=True)
class RawColumns:
    """What the keys of one raw table mean."""

    table: str
    columns: Mapping[str, str]
    """Key -> SQL (a text)."""
    maps: Mapping[str, str]
    """Prefix -> column (a map of text to text); in the order in which a bare key is looked for."""


def _otlp(table: str, *columns: str) -> RawColumns:
    maps = {"attr": "attrs", "resource": "resource_attrs", "scope": "scope_attrs"}
    return RawColumns(table, {name: name for name in columns}, maps)


SPANS: Final = _otlp("spans", "app", "service", "kind", "status", "name", "scope_name")
LOGS: Final = _otlp("logs", "app", "service", "severity_text", "event_name", "scope_name")
POINTS: Final = _otlp(
    "metric_points", "app", "service", "name", "type", "unit", "temporality", "scope_name"
)
_BARE: Final = 2
"""A bare key is looked for in so many maps: the item's, and that of what it belongs to."""


def attribute_column(values: Values, raw: RawColumns) -> Column:
    """SQL of a key: a column, or an attribute; "" where a row has no such attribute.

    Raises Rejected for a key without a name, too long, or with a NUL in it.
    """

    def column(key: str, field: str) -> str:
        if key in raw.columns:
            return raw.columns[key]
        prefix, dot, name = key.partition(".")
        if not dot or prefix not in raw.maps:
            name, maps = key, list(raw.maps.values())[:_BARE]
        else:
            maps = [raw.maps[prefix]]
        if not 0 < len(name) <= MAX_KEY_CHARS or "\0" in name:
            raise Rejected(
                QuestionReason.INVALID_FILTER,
                f"An attribute's name has 1 to {MAX_KEY_CHARS} characters, none of them NUL.",
                field=field,
            )
        placeholder = values.text(name)
        values.attributes.append(AttributeUse(raw.table, tuple(maps), name, key, field))
        return _first(placeholder, maps)

    return column


def _first(name: str, maps: list[str]) -> str:
    """SQL of the first of `maps` that has the key; "" without any."""
    sql = f"{maps[-1]}[{name}]"
    for map_ in reversed(maps[:-1]):
        sql = f"if(mapContains({map_}, {name}), {map_}[{name}], {sql})"
    return sql
