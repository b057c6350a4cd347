"""The types of an event's attributes, as codes beside them: the store keeps attributes as text.

One code for each attribute in the order of their keys, which is the order in which events are
encoded: (s)tring, (i)nt, (d)ouble, (b)ool. Nothing where all are strings. Pure.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from collector.admission.native.event import Event

_CODES: Final[Mapping[type, str]] = {str: "s", int: "i", float: "d", bool: "b", type(None): "n"}
_SHAPES_REMEMBERED: Final = 512
"""Events of one kind have the same keys and types again and again."""


def write_types(events: Iterable[Event]) -> None:
    """Write the types into each event, in place of what its sender wrote there."""
    for event in events:
        if attributes := event.attrs:
            event.attr_types = _type_codes((*attributes, *map(type, attributes.values())))
        elif event.attr_types:
            event.attr_types = ""
        if attributes := event.device:
            event.device_types = _type_codes((*attributes, *map(type, attributes.values())))
        elif event.device_types:
            event.device_types = ""


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _type_codes(shape: tuple[Any, ...]) -> str:
    """The codes of a shape: keys, then the types of their values."""
    count = len(shape) // 2
    types = dict(zip(shape[:count], shape[count:], strict=True))
    codes = "".join(_CODES[types[key]] for key in sorted(types))
    return "" if codes == "s" * count else codes
