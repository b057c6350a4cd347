"""One native event: its type, with every limit that msgspec checks while it decodes.

A valid batch therefore costs no Python per event but a few list comprehensions (`validate`).
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from collector.admission.timestamps import Timestamp
from seamark.wire.limits import (
    ATTRIBUTE_KEY_CHARS,
    ATTRIBUTE_VALUE_BYTES,
    ATTRIBUTES,
    IDENTIFIER_CHARS,
    NAME_CHARS,
    UNIT_CHARS,
    VALUE_MAGNITUDE,
)

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
"""Integers of 64 bits, as OTLP's `int_value`; larger ones are sent as text."""

Identifier = Annotated[str, Meta(max_length=IDENTIFIER_CHARS)] | None
AttributeKey = Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_KEY_CHARS)]
AttributeValue = (
    Annotated[str, Meta(max_length=ATTRIBUTE_VALUE_BYTES)]
    | Annotated[int, Meta(ge=INTEGER_MIN, le=INTEGER_MAX)]
    | float
    | bool
    | None
)
Attributes = Annotated[dict[AttributeKey, AttributeValue], Meta(max_length=ATTRIBUTES)] | None


class Event(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True, gc=False):
    """One native event, as sent and as stored (null and absent are the same).

    `attr_types` and `device_types` are never the sender's: `attribute_types` writes them. Of any
    type, so that a sender's members of these names spoil nothing.
    """

    ts: Timestamp
    name: Annotated[str, Meta(max_length=NAME_CHARS)]
    id: Identifier = None
    value: Annotated[float, Meta(ge=-VALUE_MAGNITUDE, le=VALUE_MAGNITUDE)] | None = None
    unit: Annotated[str, Meta(max_length=UNIT_CHARS)] | None = None
    attrs: Attributes = None
    session_id: Identifier = None
    user_anon_id: Identifier = None
    device: Attributes = None
    attr_types: Any = ""
    device_types: Any = ""


class FlaggedEvent(Event, gc=False):
    """An event one of whose times was changed here. Written, never read: senders cannot set it."""

    time_flag: int = 0


def with_time_flag(event: Event, time_flag: int) -> FlaggedEvent:
    """The same event with these flags (`timestamps.UNIT_CHANGED`, `reading.RECEIVED_TIME`)."""
    return FlaggedEvent(**(msgspec.structs.asdict(event) | {"time_flag": time_flag}))
