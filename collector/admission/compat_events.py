"""Events of compatibility clients made native: `POST /v1/events` and `POST /events`. Pure.

    {eventId, eventType, userId, properties, context?}           NamedEvent
    {event, timestamp, user_id, ...anything}                     LooseEvent

An event becomes native JSON and is then read and validated like any native event, so every limit
holds and everything after ingest is the same. The dead letter of a rejected one is in the native
form too: it can be corrected and replayed, and does not hold the user's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw

from collector.admission.compat_attributes import (
    Attribute,
    event_attributes,
    hashed_user,
    identifier,
)
from collector.admission.json_mending import mended
from collector.admission.native.decode import RawBatch, read_elements
from collector.admission.native.errors import DECODE_ERRORS, read_event, without_traceback
from collector.admission.native.event import Event, with_time_flag
from seamark.wire.failures import Rejected
from seamark.wire.limits import EVENTS_PER_BATCH
from seamark.wire.reading import RECEIVED_TIME
from seamark.wire.reasons import Reason

_encode: Final = msgspec.json.Encoder().encode
_NOTHING: Final = Raw(b"")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a translation needs of its request: the org's salt, and when it was received."""

    salt: str
    now_ms: int


class CompatForm(Protocol):
    """One form of an event that compatibility clients send."""

    wanted: str
    """What to send, for error messages."""
    user: str
    """The member that names the user."""

    def native(self, document: dict[str, Any], request: RequestContext) -> dict[str, Any]:
        """The native event but for its user, not yet checked. Raises Rejected.

        With `timeFlag` where its time is not the sender's. May take members out of `document`.
        """

    def field(self, native: str) -> str:
        """What the sender calls a native field: `name` is its `eventType`."""


def read_one(body: bytes, form: CompatForm, request: RequestContext) -> RawBatch:
    """A body that is one event. Raises Rejected (MALFORMED, TOO_DEEP)."""
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS as error:
        return read_one(_repaired(body, error, form), form, request)
    if not isinstance(document, dict):
        raise Rejected(Reason.MALFORMED, f"the body is no object; send {form.wanted}")
    return _batch([_translated(Raw(body), form, request)])


def read_many(body: bytes, form: CompatForm, request: RequestContext) -> RawBatch:
    """A body that is an array of events. Raises Rejected (MALFORMED, TOO_DEEP, TOO_MANY_EVENTS)."""
    try:
        elements = read_elements(body)
    except DECODE_ERRORS as error:
        return read_many(_repaired(body, error, form), form, request)
    except Rejected:
        raise Rejected(
            Reason.TOO_MANY_EVENTS,
            f"more than {EVENTS_PER_BATCH:,} events, which is the limit; send several requests",
        ) from None
    return _batch([_translated(element, form, request) for element in elements])


def _repaired(body: bytes, error: Exception, form: CompatForm) -> bytes:
    """The body without lone surrogates. Raises Rejected when it has none: the error is another."""
    if isinstance(error, RecursionError):
        raise Rejected(Reason.TOO_DEEP, "the body is nested too deep; flatten it") from None
    if isinstance(error, UnicodeDecodeError):
        raise Rejected(Reason.MALFORMED, "the body is not UTF-8; encode it as UTF-8") from None
    repaired = mended(body)
    if repaired is None:
        raise Rejected(Reason.MALFORMED, f"{error}; send {form.wanted}") from None
    return repaired


def _batch(read: Sequence[tuple[Event | Rejected, Raw]]) -> RawBatch:
    return RawBatch(
        candidates=[event for event, _ in read], originals=[original for _, original in read]
    )


def _translated(
    raw: Raw, form: CompatForm, request: RequestContext
) -> tuple[Event | Rejected, Raw]:
    """One event, and the JSON of its dead letter if it is rejected."""
    try:
        document = msgspec.json.decode(raw)
    except DECODE_ERRORS as error:
        return Rejected(Reason.INVALID_EVENT, f"{error}; correct it"), _NOTHING
    if not isinstance(document, dict):
        return Rejected(Reason.INVALID_EVENT, f"it is no object; send {form.wanted}"), raw
    user = document.pop(form.user, None)
    invalid_user: Rejected | None = None
    try:
        native = form.native(document, request)
        try:
            native["userAnonId"] = hashed_user(user, salt=request.salt, field=form.user)
        except Rejected as error:
            invalid_user = without_traceback(error)
        time_flag = native.pop("timeFlag", 0)
        original = Raw(_encode(native))
    except Rejected as error:
        return without_traceback(error), _NOTHING
    except RecursionError:
        return Rejected(Reason.INVALID_EVENT, "it is nested too deep; flatten it"), _NOTHING
    event = invalid_user or read_event(original)
    if time_flag and isinstance(event, Event):
        event = with_time_flag(event, time_flag)
    return event, original


class NamedEvent:
    """`{eventId, eventType, userId, properties, context?, timestamp?}`.

    Members of `context` become attributes beside the properties, under `context.` where a property
    has their name; `sessionId` or `session_id` in it is the session. A number called `value` among
    the properties is the event's value. Without a `timestamp` it happened when it was received.
    """

    wanted = "{eventId, eventType, userId, properties, context?}, or an array of them"
    user = "userId"
    _FIELDS: Final = {
        "id": "eventId",
        "name": "eventType",
        "ts": "timestamp",
        "value": "properties.value",
        "attrs": "properties",
        "sessionId": "context.sessionId",
    }

    def native(self, document: dict[str, Any], request: RequestContext) -> dict[str, Any]:
        """The native event but for its user, not yet checked. Raises Rejected."""
        properties, context = document.get("properties"), document.get("context")
        if not isinstance(context, dict):
            context = {} if context is None else {"context": context}
        session = _first(context, "sessionId", "session_id")
        at = document.get("timestamp")
        native = _without_nothing(
            id=identifier(document.get("eventId")),
            ts=request.now_ms if at is None else at,
            name=document.get("eventType"),
            sessionId=identifier(session),
            timeFlag=RECEIVED_TIME if at is None else None,
        )
        if properties is not None and not isinstance(properties, dict):
            return {**native, "attrs": properties}  # `read_event` rejects it
        native["value"] = _taken_value(properties or {})
        native["attrs"] = attributes = event_attributes(properties or {}, salt=request.salt)
        for key, attribute in event_attributes(context, salt=request.salt).items():
            attributes.setdefault(f"context.{key}" if key in attributes else key, attribute)
        return native

    def field(self, native: str) -> str:
        """What the sender calls a native field."""
        head, dot, rest = native.partition(".")
        return self._FIELDS.get(head, head) + dot + rest


class LooseEvent:
    """`{event, timestamp, user_id, ...anything}`: whatever it holds beside these is an attribute.

    But for a number called `value`, which is the event's value; `session_id` or `sessionId`, its
    session; and `event_id` or `eventId`, its id.
    """

    wanted = "an array of {event, timestamp, user_id, …}"
    user = "user_id"
    _FIELDS: Final = {
        "id": "event_id",
        "name": "event",
        "ts": "timestamp",
        "sessionId": "session_id",
    }

    def native(self, document: dict[str, Any], request: RequestContext) -> dict[str, Any]:
        """The native event but for its user, not yet checked. Raises Rejected."""
        return _without_nothing(
            id=identifier(_first(document, "event_id", "eventId")),
            ts=document.pop("timestamp", None),
            name=document.pop("event", None),
            value=_taken_value(document),
            sessionId=identifier(_first(document, "session_id", "sessionId")),
            attrs=event_attributes(document, salt=request.salt) or None,
        )

    def field(self, native: str) -> str:
        """What the sender calls a native field; an attribute is a member of the event itself."""
        head, dot, rest = native.partition(".")
        if head == "attrs":
            return rest
        return self._FIELDS.get(head, head) + dot + rest


def _first(document: dict[str, Any], *members: str) -> object:
    """Take out the members of these names; the first that is there."""
    found = [document.pop(member, None) for member in members]
    return next((value for value in found if value is not None), None)


def _taken_value(document: dict[str, Any]) -> Attribute | None:
    """Take out `value` when it is a number; otherwise it stays an attribute like any other."""
    value = document.get("value")
    if isinstance(value, int | float) and not isinstance(value, bool):
        del document["value"]
        return value
    return None


def _without_nothing(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
