"""Native events: what one may hold, and the verdict on a list of them.

The types carry every limit that msgspec can check while it decodes, so a good batch costs no Python
per event but a few list comprehensions. What the types cannot say (names, times, bytes of text) is
asked of the batch as a whole first, and of each event only when the batch as a whole fails.
What is stored is encoded again from what was checked, never copied from the sender.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from collector.admission import timestamps
from collector.admission.names import Names
from collector.admission.timestamps import Timestamp, earliest_and_latest, epoch_ms, in_range
from seamark.wire.failures import Rejected
from seamark.wire.limits import (
    ATTRIBUTE_KEY_CHARS,
    ATTRIBUTE_VALUE_BYTES,
    ATTRIBUTES,
    IDENTIFIER_CHARS,
    NAME_CHARS,
    TIMESTAMP_MAX_MS,
    TIMESTAMP_MIN_MS,
    UNIT_CHARS,
    VALUE_MAGNITUDE,
)
from seamark.wire.reasons import Reason

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
"""Integers of 64 bits, as OTLP's `int_value`; larger ones are sent as text."""
_UTF8_WIDTH: Final = 4

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
    """One native event, as sent and as stored (null and absent are the same)."""

    ts: Timestamp
    name: Annotated[str, Meta(max_length=NAME_CHARS)]
    id: Identifier = None
    value: Annotated[float, Meta(ge=-VALUE_MAGNITUDE, le=VALUE_MAGNITUDE)] | None = None
    unit: Annotated[str, Meta(max_length=UNIT_CHARS)] | None = None
    attrs: Attributes = None
    session_id: Identifier = None
    user_anon_id: Identifier = None
    device: Attributes = None


@dataclass(frozen=True, slots=True)
class Window:
    """The times a batch may speak of, in ms since the epoch. `opens_ms`: earlier is too late."""

    opens_ms: int = TIMESTAMP_MIN_MS
    days: float = 0.0


def flawless(
    events: Sequence[Event], *, window: Window, names: Names, wide: bool, nulls: bool
) -> bool:
    """True when no event has a fault and none needs a change; asked of the batch as a whole.

    `wide`: text may hold characters of more than one byte; `nulls`: attributes may hold null.
    """
    if not events:
        return True
    if not names.all_good([event.name for event in events]):
        return False
    first_ms, last_ms = earliest_and_latest([event.ts for event in events])
    if first_ms < window.opens_ms or first_ms < TIMESTAMP_MIN_MS or last_ms > TIMESTAMP_MAX_MS:
        return False
    if nulls:
        for event in events:
            if (event.attrs and None in event.attrs.values()) or (
                event.device and None in event.device.values()
            ):
                return False
    return not wide or not any(
        _too_wide(event.attrs) or _too_wide(event.device) for event in events
    )


def sift(
    candidates: Iterable[Event | Rejected], *, window: Window, names: Names
) -> tuple[list[Event], list[tuple[int, Rejected]]]:
    """Judge each event alone: those taken, nulls dropped, and index and reason of the others."""
    taken: list[Event] = []
    faults: list[tuple[int, Rejected]] = []
    for index, candidate in enumerate(candidates):
        if isinstance(candidate, Rejected):
            faults.append((index, candidate))
        elif (fault := _fault(candidate, window=window, names=names)) is not None:
            faults.append((index, fault))
        else:
            _drop_nulls(candidate)
            taken.append(candidate)
    return taken, faults


def _fault(event: Event, *, window: Window, names: Names) -> Rejected | None:
    if not names.good(event.name):
        return bad_name(event.name)
    at_ms = epoch_ms(event.ts)
    if not in_range(at_ms):
        return timestamps.out_of_range(event.ts, field="ts")
    if at_ms < window.opens_ms:
        return Rejected(
            Reason.TOO_LATE,
            f"it is {(window.opens_ms - at_ms) / 86_400_000 + window.days:,.1f} days older than "
            f"sentAt, the limit is {window.days:g} days; send offline data sooner, or have the "
            "app's late window widened",
            field="ts",
        )
    for field, attributes in (("attrs", event.attrs), ("device", event.device)):
        if _too_wide(attributes):
            return wide_value(field, attributes or {})
    return None


def bad_name(name: str) -> Rejected:
    """The rejection of a name outside the pattern."""
    shown = f"{name[:40]}…" if len(name) > 40 else name
    return Rejected(
        Reason.INVALID_NAME,
        f"{shown!r} is not a name; use 1 to {NAME_CHARS} of A-Z a-z 0-9 . _ / : -",
        field="name",
    )


def wide_value(field: str, attributes: dict[str, str | int | float | bool | None]) -> Rejected:
    """The rejection of the first text of more than its bytes."""
    for key, value in attributes.items():
        if isinstance(value, str) and (size := len(value.encode())) > ATTRIBUTE_VALUE_BYTES:
            return Rejected(
                Reason.INVALID_ATTRIBUTES,
                f"{size:,} bytes, the limit is {ATTRIBUTE_VALUE_BYTES:,}; shorten it",
                field=f"{field}.{key}",
            )
    raise AssertionError("no value is too wide")


def _too_wide(attributes: dict[str, str | int | float | bool | None] | None) -> bool:
    """Whether a text has more bytes than allowed; its characters were counted when decoding."""
    if not attributes:
        return False
    for value in attributes.values():
        if (
            isinstance(value, str)
            and len(value) > ATTRIBUTE_VALUE_BYTES // _UTF8_WIDTH
            and len(value.encode()) > ATTRIBUTE_VALUE_BYTES
        ):
            return True
    return False


def _drop_nulls(event: Event) -> None:
    if event.attrs and None in event.attrs.values():
        event.attrs = {k: v for k, v in event.attrs.items() if v is not None} or None
    if event.device and None in event.device.values():
        event.device = {k: v for k, v in event.device.items() if v is not None} or None
