"""Native events that were decoded, changed where they stand, before they are validated. Pure.

Keys of rules may also name `userAnonId`, `sessionId` and `id`. What would become the same for
different ids is their hash instead, so that no session, user or event is taken for another.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from collector.admission.native.event import Event
from collector.admission.redaction import text as texts
from collector.admission.redaction.json_text import canonical
from collector.admission.redaction.rules import NOT_ALLOWED, Redactor
from seamark.wire.limits import ATTRIBUTE_VALUE_BYTES

NAME: Final = "redacted"
"""The name of an event whose own name holds what a detector finds: valid, unlike `[card]`."""
_IDENTIFIERS: Final = (
    ("id", "id"),
    ("session_id", "sessionId"),
    ("user_anon_id", "userAnonId"),
)

_encode: Final = msgspec.json.Encoder().encode

Attribute = str | int | float | bool | None


def redact_events(redactor: Redactor, events: Iterable[Event]) -> None:
    """Change each event."""
    for event in events:
        if not redactor.may_touch_json(_encode(event)):
            continue
        if texts.redacted_name(redactor, event.name) != event.name:
            event.name = NAME
        for member, key in _IDENTIFIERS:
            if found := getattr(event, member):
                setattr(event, member, identifier(redactor, found, key))
        if event.unit:
            event.unit = texts.redacted(redactor, event.unit)
        if event.attrs:
            event.attrs = redacted_attributes(redactor, event.attrs, of_item=True) or None
        if event.device:
            event.device = redacted_attributes(redactor, event.device) or None


def identifier(redactor: Redactor, text: str, key: str) -> str | None:
    """What stands for an id."""
    rule = redactor.key_rule(key)
    if rule is not None:
        if rule.action == "drop":
            redactor.count(rule.name)
            return None
        made: str | None = redactor.identifier(text)
        if made != text:
            redactor.count(rule.name)
        return made or None
    made = texts.redacted(redactor, text, key=key)
    return text if made == text else redactor.identifier(text) or None


def redacted_attributes(
    redactor: Redactor, attributes: Mapping[str, Attribute], *, of_item: bool = False
) -> dict[str, Attribute]:
    """Attributes as they are stored."""
    made: dict[str, Attribute] = {}
    for key, value in attributes.items():
        if of_item and not redactor.is_allowed(key):
            redactor.count(NOT_ALLOWED)
            continue
        kept = _value(redactor, value, key)
        if kept is not None or value is None:
            name = texts.redacted_name(redactor, key)
            made[key if name == key else texts.free_name(name, {*attributes, *made})] = kept
    return made


def _value(redactor: Redactor, value: Attribute, key: str) -> Attribute:
    """A value as it is stored; None to drop it."""
    rule = redactor.key_rule(key)
    if rule is not None and value is not None:
        text: Any = value if isinstance(value, str) else canonical(value)
        made = texts.whole(redactor, rule, text, key=key)
        return value if made == text else _within_limit(made)
    if isinstance(value, str):
        made = texts.redacted(redactor, value, key=key)
        return made if made == value else _within_limit(made)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return texts.redacted_number(redactor, value, key=key)
    return value


def _within_limit(text: str | None) -> str | None:
    """Hashes are longer than what they stand for."""
    if text is None or len(text) * 4 <= ATTRIBUTE_VALUE_BYTES:
        return text
    return text.encode()[:ATTRIBUTE_VALUE_BYTES].decode("utf-8", "ignore")
