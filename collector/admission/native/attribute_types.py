"""The types of an event's attributes, as letters beside them: the store keeps attributes as text.

One letter for each attribute in the order of their keys, which is the order in which events are
encoded: (s)tring, (i)nt, (d)ouble, (b)ool. Nothing where all are strings. Pure.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from collector.admission.native.event import Event

_LETTERS: Final[Mapping[type, str]] = {str: "s", int: "i", float: "d", bool: "b", type(None): "n"}
_SHAPES_REMEMBERED: Final = 512
"""Events of one kind have the same keys and types again and again."""


def write_types(events: Iterable[Event]) -> None:
    """Write the types into each event, in place of what its sender wrote there."""
    for event in events:
        if attributes := event.attrs:
            event.attr_types = _letters((*attributes, *map(type, attributes.values())))
        elif event.attr_types:
            event.attr_types = ""
        if attributes := event.device:
            event.device_types = _letters((*attributes, *map(type, attributes.values())))
        elif event.device_types:
            event.device_types = ""


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _letters(shape: tuple[Any, ...]) -> str:
    """The letters of a shape: keys, then the types of their values."""
    count = len(shape) // 2
    types = dict(zip(shape[:count], shape[count:], strict=True))
    letters = "".join(_LETTERS[types[key]] for key in sorted(types))
    return "" if letters == "s" * count else letters
