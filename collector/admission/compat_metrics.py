"""Metrics as compatibility clients send them, made native events: `POST /metrics`. Pure.

    {metrics: [{timestamp, name, value, tags{}}]}

A point is an event of that name with that value, and its tags are attributes, so it is queried
like any metric of events. All points of a request are valid, or none is taken.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from collector.admission.compat_attributes import flat
from collector.admission.json_mending import mended
from collector.admission.native.decode import read_elements
from collector.admission.native.errors import DECODE_ERRORS, read_event
from collector.admission.native.event import Event
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, split_valid
from seamark.wire.failures import Rejected
from seamark.wire.limits import EVENTS_PER_BATCH, NAME_CHARS
from seamark.wire.reasons import Reason

_WANTED: Final = 'send {"metrics": [{timestamp, name, value, tags}]}'
_NAME: Final = re.compile(r"[a-zA-Z0-9._]+")
_FIELDS: Final = {"ts": "timestamp", "attrs": "tags"}
_ANY_TIME: Final = Window()
_encode: Final = msgspec.json.Encoder().encode


class _Outer(msgspec.Struct):
    metrics: Raw | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Outer).decode


def read_metrics(body: bytes, *, names: EventNames) -> list[Event]:
    """Every point of a request, as an event that can be stored.

    Raises Rejected for the request, or for the first invalid point: `field` is its path
    (`metrics[3].name`), the message has its name.
    """
    try:
        points = _points(body)
    except RecursionError:
        raise Rejected(Reason.TOO_DEEP, "the body is nested too deep; flatten it") from None
    except UnicodeDecodeError:
        raise Rejected(Reason.MALFORMED, "the body is not UTF-8; encode it as UTF-8") from None
    except msgspec.DecodeError as error:
        repaired = mended(body)
        if repaired is None:
            raise Rejected(Reason.MALFORMED, f"{error}; {_WANTED}") from None
        return read_metrics(repaired, names=names)
    return [_read_point(point, index, names) for index, point in enumerate(points)]


def _points(body: bytes) -> list[Raw]:
    array = _decode(body).metrics
    if isinstance(array, UnsetType):
        raise Rejected(Reason.MALFORMED, f"it is missing; {_WANTED}", field="metrics")
    try:
        return read_elements(array)
    except msgspec.ValidationError:
        raise Rejected(Reason.MALFORMED, f"it is no array; {_WANTED}", field="metrics") from None
    except Rejected:
        raise Rejected(
            Reason.TOO_MANY_EVENTS,
            f"more than {EVENTS_PER_BATCH:,} metrics, which is the limit; send several requests",
            field="metrics",
        ) from None


def _read_point(raw: Raw, index: int, names: EventNames) -> Event:
    try:
        document = msgspec.json.decode(raw)
    except DECODE_ERRORS as error:
        raise _of_point(
            index, Rejected(Reason.INVALID_EVENT, f"{error}; correct it"), None
        ) from None
    if not isinstance(document, dict):
        no_object = Rejected(Reason.INVALID_EVENT, "it is no object; send {timestamp, name, value}")
        raise _of_point(index, no_object, None)
    name = document.get("name")
    try:
        event = _event(document)
    except Rejected as error:
        raise _of_point(index, error, name) from None
    valid, errors = split_valid([event], window=_ANY_TIME, names=names)
    if errors:
        raise _of_point(index, errors[0][1], name)
    return valid[0]


def _event(document: dict[str, Any]) -> Event:
    name, value, tags = document.get("name"), document.get("value"), document.get("tags")
    if isinstance(name, str) and not (_NAME.fullmatch(name) and len(name) <= NAME_CHARS):
        raise Rejected(
            Reason.INVALID_NAME,
            f"it is not a name; use 1 to {NAME_CHARS} of A-Z a-z 0-9 . _",
            field="name",
        )
    if value is None:
        raise Rejected(Reason.INVALID_VALUE, "it is missing; send a number", field="value")
    native = {
        "ts": document.get("timestamp"),
        "name": name,
        "value": value,
        "attrs": flat(tags) if isinstance(tags, dict) else tags,
    }
    try:
        event = read_event(Raw(_encode(native)))
    except RecursionError:
        raise Rejected(Reason.INVALID_EVENT, "it is nested too deep; flatten it") from None
    if isinstance(event, Rejected):
        raise event
    return event


def _of_point(index: int, error: Rejected, name: object) -> Rejected:
    """The same error, with the path and name of its point."""
    head, dot, rest = error.field.partition(".")
    field = _FIELDS.get(head, head) + dot + rest
    which = f"metric {name[:40]!r}, " if isinstance(name, str) else ""
    return Rejected(
        error.reason,
        f"{which}{field or 'as a whole'}: {error.message}; nothing of this request was taken",
        field=f"metrics[{index}]{'.' if field else ''}{field}",
    )
