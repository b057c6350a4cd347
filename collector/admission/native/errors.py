"""What is wrong with a native batch or one of its events: every rejection and its message.

    read_event(raw) -> Event | Rejected      one event, field by field
    read_member(raw, …)                      one member beside the events

Only what failed the typed decoder comes here. Two kinds of it are repaired: times in other forms of
ISO 8601, and numbers that msgspec's union did not take.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, UnsetType

from collector.admission import timestamps
from collector.admission.native.event import INTEGER_MAX, INTEGER_MIN, Event
from seamark.wire.failures import Rejected
from seamark.wire.limits import (
    ATTRIBUTE_KEY_CHARS,
    ATTRIBUTE_VALUE_BYTES,
    ATTRIBUTES,
    EVENTS_PER_BATCH,
    IDENTIFIER_CHARS,
    NAME_CHARS,
    UNIT_CHARS,
    VALUE_MAGNITUDE,
)
from seamark.wire.reasons import Reason

DECODE_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON they should be."""
_decode_event: Final = msgspec.json.Decoder(Event).decode
_KINDS: Final = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def read_event(raw: Raw | bytes) -> Event | Rejected:
    """One event from its JSON. `raw` is one JSON value."""
    try:
        return _decode_event(raw)
    except DECODE_ERRORS:
        pass
    try:
        return _read_fields(raw)
    except Rejected as error:
        return without_traceback(error)


def without_traceback(error: Rejected) -> Rejected:
    """The same error without its traceback, which would keep the document in memory."""
    error.__context__ = None
    return error.with_traceback(None)


def _read_fields(raw: Raw | bytes) -> Event:
    try:
        document = msgspec.json.decode(raw)
    except UnicodeDecodeError:
        raise Rejected(Reason.INVALID_EVENT, "its text is not UTF-8; encode it as UTF-8") from None
    except RecursionError:
        raise Rejected(Reason.INVALID_EVENT, "it is nested too deep; flatten it") from None
    except msgspec.DecodeError as error:
        raise Rejected(Reason.INVALID_EVENT, f"{error}; correct it") from None
    if not isinstance(document, dict):
        raise Rejected(
            Reason.INVALID_EVENT, f"it is {_kind(document)}; send an object with ts and name"
        )
    return Event(
        ts=timestamps.parse(document.get("ts"), field="ts"),
        name=_name(document.get("name")),
        id=_text(document, "id", IDENTIFIER_CHARS, Reason.INVALID_IDENTIFIER),
        value=_value(document.get("value")),
        unit=_text(document, "unit", UNIT_CHARS, Reason.INVALID_VALUE),
        attrs=_attributes(document.get("attrs"), "attrs"),
        session_id=_text(document, "sessionId", IDENTIFIER_CHARS, Reason.INVALID_IDENTIFIER),
        user_anon_id=_text(document, "userAnonId", IDENTIFIER_CHARS, Reason.INVALID_IDENTIFIER),
        device=_attributes(document.get("device"), "device"),
    )


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def _name(value: object) -> str:
    if not isinstance(value, str):
        problem = "it is missing" if value is None else f"it is {_kind(value)}"
        raise Rejected(Reason.INVALID_NAME, f"{problem}; every event has a name", field="name")
    if len(value) > NAME_CHARS:
        raise invalid_name(value)
    return value


def _text(document: dict[str, Any], field: str, limit: int, reason: Reason) -> str | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Rejected(reason, f"it is {_kind(value)}; send it as text", field=field)
    if len(value) > limit:
        raise _too_long(value, limit, reason, field=field)
    return value


def _value(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Rejected(Reason.INVALID_VALUE, f"it is {_kind(value)}; send a number", field="value")
    if abs(value) > VALUE_MAGNITUDE:
        raise Rejected(
            Reason.INVALID_VALUE,
            f"{value:.6g} is outside ±{VALUE_MAGNITUDE:.0e}; send it in a larger unit",
            field="value",
        )
    return float(value)


def _attributes(value: object, field: str) -> dict[str, str | int | float | bool | None] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Rejected(
            Reason.INVALID_ATTRIBUTES, f"it is {_kind(value)}; send an object", field=field
        )
    if len(value) > ATTRIBUTES:
        raise Rejected(
            Reason.INVALID_ATTRIBUTES,
            f"{len(value):,} attributes, the limit is {ATTRIBUTES}; send fewer",
            field=field,
        )
    for key, item in value.items():
        _check_attribute(key, item, field)
    return value


def _check_attribute(key: str, item: object, field: str) -> None:
    path = f"{field}.{key[:ATTRIBUTE_KEY_CHARS]}"
    if not 0 < len(key) <= ATTRIBUTE_KEY_CHARS:
        problem = f"a key of {len(key):,} characters, the limits are 1 and {ATTRIBUTE_KEY_CHARS}"
    elif isinstance(item, dict | list):
        problem = f"it is {_kind(item)}; send text, a number or a boolean, or one key for each part"
    elif isinstance(item, str) and len(item.encode()) > ATTRIBUTE_VALUE_BYTES:
        raise attribute_too_large(field, {key: item})
    elif type(item) is int and not INTEGER_MIN <= item <= INTEGER_MAX:
        problem = "an integer of more than 64 bits; send it as text"
    else:
        return
    raise Rejected(Reason.INVALID_ATTRIBUTES, problem, field=path)


def read_member(raw: Raw | UnsetType, name: str) -> object:
    """One member by itself; None when it is absent. Raises Rejected (MALFORMED) naming it."""
    if isinstance(raw, UnsetType):
        return None
    try:
        return msgspec.json.decode(raw)
    except DECODE_ERRORS as error:
        raise Rejected(Reason.MALFORMED, f"{error}; correct it", field=name) from None


def read_text_member(raw: Raw | UnsetType, name: str, reason: Reason) -> str:
    """A member that is text, "" when absent. Raises Rejected with `reason`."""
    value = read_member(raw, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(reason, "it is not text; put it in quotes", field=name)
    if len(value) > IDENTIFIER_CHARS:
        raise _too_long(value, IDENTIFIER_CHARS, reason, field=name)
    return value


def invalid_name(name: str) -> Rejected:
    """The rejection of a name outside the pattern."""
    shown = f"{name[:40]}…" if len(name) > 40 else name
    return Rejected(
        Reason.INVALID_NAME,
        f"{shown!r} is not a name; use 1 to {NAME_CHARS} of A-Z a-z 0-9 . _ / : -",
        field="name",
    )


def attribute_too_large(
    field: str, attributes: dict[str, str | int | float | bool | None]
) -> Rejected:
    """The rejection of the first text that exceeds its limit of bytes."""
    for key, value in attributes.items():
        if isinstance(value, str) and (size := len(value.encode())) > ATTRIBUTE_VALUE_BYTES:
            return Rejected(
                Reason.INVALID_ATTRIBUTES,
                f"{size:,} bytes, the limit is {ATTRIBUTE_VALUE_BYTES:,}; shorten it",
                field=f"{field}.{key}",
            )
    raise AssertionError("no value exceeds the limit")


def too_late(age_ms: float, window_days: float) -> Rejected:
    """The rejection of an event that is `age_ms` older than the time its batch was sent."""
    return Rejected(
        Reason.TOO_LATE,
        f"it is {age_ms / 86_400_000:,.1f} days older than sentAt, the limit is {window_days:g} "
        "days; send offline data sooner, or have the app's late window widened",
        field="ts",
    )


def too_many_events() -> Rejected:
    """The rejection of a batch of more than `EVENTS_PER_BATCH`."""
    return Rejected(
        Reason.TOO_MANY_EVENTS,
        f"more than {EVENTS_PER_BATCH:,} events, which is the limit; send several batches",
        field="events",
    )


def _too_long(value: str, limit: int, reason: Reason, *, field: str) -> Rejected:
    return Rejected(
        reason, f"{len(value):,} characters, the limit is {limit}; shorten it", field=field
    )
