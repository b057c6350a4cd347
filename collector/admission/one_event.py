"""One event alone, read by hand: either it can be taken after all, or it is said what is wrong.

Only events that failed the typed decoder come here. Two kinds of those are healed: times in other
forms of ISO 8601, and numbers written as such that msgspec's union would not take.
"""

from typing import Any, Final

import msgspec

from collector.admission import timestamps
from collector.admission.events import INTEGER_MAX, INTEGER_MIN, Event, bad_name, wide_value
from seamark.wire.failures import Rejected
from seamark.wire.limits import (
    ATTRIBUTE_KEY_CHARS,
    ATTRIBUTE_VALUE_BYTES,
    ATTRIBUTES,
    IDENTIFIER_CHARS,
    NAME_CHARS,
    UNIT_CHARS,
    VALUE_MAGNITUDE,
)
from seamark.wire.reasons import Reason

_decode_typed: Final = msgspec.json.Decoder(Event).decode
_KINDS: Final = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def read_event(raw: msgspec.Raw | bytes) -> Event | Rejected:
    """One event from its JSON. `raw` is one JSON value."""
    try:
        return _decode_typed(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _read_by_hand(raw)
    except Rejected as fault:
        fault.__context__ = None  # and no traceback: they would keep the document alive
        return fault.with_traceback(None)


def _read_by_hand(raw: msgspec.Raw | bytes) -> Event:
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
        ts=timestamps.read(document.get("ts"), field="ts"),
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
        what = "it is missing" if value is None else f"it is {_kind(value)}"
        raise Rejected(Reason.INVALID_NAME, f"{what}; every event has a name", field="name")
    if len(value) > NAME_CHARS:
        raise bad_name(value)
    return value


def _text(document: dict[str, Any], field: str, limit: int, reason: Reason) -> str | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Rejected(reason, f"it is {_kind(value)}; send it as text", field=field)
    if len(value) > limit:
        raise Rejected(
            reason, f"{len(value):,} characters, the limit is {limit}; shorten it", field=field
        )
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
        _attribute(key, item, field)
    return value


def _attribute(key: str, item: object, field: str) -> None:
    path = f"{field}.{key[:ATTRIBUTE_KEY_CHARS]}"
    if not 0 < len(key) <= ATTRIBUTE_KEY_CHARS:
        problem = f"a key of {len(key):,} characters, the limits are 1 and {ATTRIBUTE_KEY_CHARS}"
    elif isinstance(item, dict | list):
        problem = f"it is {_kind(item)}; send text, a number or a boolean, or one key for each part"
    elif isinstance(item, str) and len(item.encode()) > ATTRIBUTE_VALUE_BYTES:
        raise wide_value(field, {key: item})
    elif type(item) is int and not INTEGER_MIN <= item <= INTEGER_MAX:
        problem = "an integer of more than 64 bits; send it as text"
    else:
        return
    raise Rejected(Reason.INVALID_ATTRIBUTES, problem, field=path)
