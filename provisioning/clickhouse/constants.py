"""What migrations take from the product's own constants, as definitions of the template language.

A line `--: constants` of a migration stands for these definitions. They are part of its checksum:
a constant that changes is a migration that changed. Pure.
"""

from collections.abc import Iterable
from typing import Final

from seamark.wire.dimensions import (
    DESCRIPTIVE_RESOURCE_ATTRIBUTES,
    EVENT_DIMENSIONS,
    METRIC_DIMENSIONS_MOST,
    METRIC_RESOURCE_VALUE_CHARS,
    SESSION_DIMENSIONS,
)
from seamark.wire.sketches import SKETCH_ACCURACY, UNIQUE_PRECISION

_ENVELOPE_COLUMNS: Final = {"device": "device_type"}
"""Columns of `events` that are named otherwise than the envelope's field."""


def constants() -> str:
    """The definitions, one a line.

    `sketch_accuracy` (relative error), `sketch_below_1` (what a value below 1 is multiplied by
    before it goes into a sketch) and `unique` (precision of sets). `dimension_attributes`: quoted
    names of the attributes that dimensions come from. `dimension_columns`: `SQL AS d_<dimension>`
    for each, which needs `attr` and `device_attr`, functions from a name to the text of an
    attribute, and the events as `e`. `dimension_names`: `d_<dimension>` for each; `dimension_map`:
    a map of those that are not empty. `metric_dimensions`: a map of those of a data point `p`;
    `metric_dimensions_most`: how many. `session_dimension_columns`, `session_dimension_types`: of
    the dimensions that visits have.
    """
    attributes = (
        f"'{source.removeprefix('attrs.')}'"
        for sources in EVENT_DIMENSIONS.values()
        for source in sources
        if source.startswith("attrs.")
    )
    pairs = ", ".join(f"'{name}', d_{name}" for name in EVENT_DIMENSIONS)
    session_columns = (_first_of(EVENT_DIMENSIONS[name]) for name in SESSION_DIMENSIONS)
    definitions = {
        "sketch_accuracy": f"{SKETCH_ACCURACY:g}",
        "unique": str(UNIQUE_PRECISION),
        "sketch_below_1": f"{1 - SKETCH_ACCURACY:g} / {1 + SKETCH_ACCURACY:g}",
        "dimension_attributes": ", ".join(attributes),
        "dimension_columns": _columns(
            f"{_first_of(sources)} AS d_{name}" for name, sources in EVENT_DIMENSIONS.items()
        ),
        "dimension_names": ", ".join(f"d_{name}" for name in EVENT_DIMENSIONS),
        "dimension_map": f"CAST(mapFilter((k, v) -> v != '', map({pairs})), "
        "'Map(LowCardinality(String), String)')",
        "metric_dimensions_most": str(METRIC_DIMENSIONS_MOST),
        "metric_dimensions": _metric_dimensions(),
        "session_dimension_columns": _columns(session_columns),
        "session_dimension_types": ", ".join(f"{name} String" for name in SESSION_DIMENSIONS),
    }
    return "\n".join(f"--: {name} = {text}" for name, text in definitions.items())


def _metric_dimensions() -> str:
    """SQL (a map) of the dimensions of a data point `p`."""
    described = " OR ".join(f"startsWith(k, '{name}')" for name in DESCRIPTIVE_RESOURCE_ATTRIBUTES)
    resource = (
        "mapFilter((k, v) -> NOT (mapContains(p.attrs, k) OR v = '' OR k = 'service.name' OR "
        f"length(v) > {METRIC_RESOURCE_VALUE_CHARS} OR {described}), p.resource_attrs)"
    )
    attributes = f"mapConcat(mapSort(p.attrs), mapSort({resource}))"
    return (
        f"CAST((arraySlice(mapKeys({attributes}), 1, {METRIC_DIMENSIONS_MOST}), "
        f"arraySlice(mapValues({attributes}), 1, {METRIC_DIMENSIONS_MOST})), 'Map(String, String)')"
    )


def _columns(columns: Iterable[str]) -> str:
    return ",\n--:     ".join(columns)


def _first_of(sources: tuple[str, ...]) -> str:
    """SQL of the first source that is not empty."""
    *first, last = map(_value, sources)
    found = last
    for value in reversed(first):
        found = f"if({value} != '', {value}, {found})"
    return found


def _value(source: str) -> str:
    place, _, key = source.partition(".")
    match place:
        case "attrs":
            return f"attr('{key}')"
        case "device":
            return f"device_attr('{key}')"
        case "envelope":
            return f"toString(e.{_ENVELOPE_COLUMNS.get(key, key)})"
    raise ValueError(f"{source}: a dimension comes from attrs, device or envelope")
