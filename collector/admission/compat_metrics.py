"""Metrics as compatibility clients send them, made native events: `POST /metrics`. Pure.

    {metrics: [{timestamp, name, value, tags{}}]}

A point is an event of that name with that value, and its tags are attributes, so it is asked for
like any metric of events. All of a request's points are good, or none is taken.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from collector.admission.batch import read_places
from collector.admission.compat_attributes import flat
from collector.admission.events import Event, Window, sift
from collector.admission.names import Names
from collector.admission.one_event import read_event
from collector.admission.outer import FAULTS
from collector.admission.surrogates import mended
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


def read_metrics(body: bytes, *, names: Names) -> list[Event]:
    """Every point of a request, as an event that can be stored.

    Raises Rejected for the request, or for the first point that is not good: `field` is its place
    (`metrics[3].name`), the message has its name.
    """
    try:
        places = _places(body)
    except RecursionError:
        raise Rejected(Reason.TOO_DEEP, "the body is nested too deep; flatten it") from None
    except UnicodeDecodeError:
        raise Rejected(Reason.MALFORMED, "the body is not UTF-8; encode it as UTF-8") from None
    except msgspec.DecodeError as error:
        fixed = mended(body)
        if fixed is None:
            raise Rejected(Reason.MALFORMED, f"{error}; {_WANTED}") from None
        return read_metrics(fixed, names=names)
    return [_read_point(place, index, names) for index, place in enumerate(places)]


def _places(body: bytes) -> list[Raw]:
    array = _decode(body).metrics
    if isinstance(array, UnsetType):
        raise Rejected(Reason.MALFORMED, f"it is missing; {_WANTED}", field="metrics")
    try:
        return read_places(array)
    except msgspec.ValidationError:
        raise Rejected(Reason.MALFORMED, f"it is no array; {_WANTED}", field="metrics") from None
    except Rejected:
        raise Rejected(
            Reason.TOO_MANY_EVENTS,
            f"more than {EVENTS_PER_BATCH:,} metrics, which is the limit; send several requests",
            field="metrics",
        ) from None


def _read_point(raw: Raw, index: int, names: Names) -> Event:
    try:
        document = msgspec.json.decode(raw)
    except FAULTS as error:
        raise _fault(index, Rejected(Reason.INVALID_EVENT, f"{error}; correct it"), None) from None
    if not isinstance(document, dict):
        wrong = Rejected(Reason.INVALID_EVENT, "it is no object; send {timestamp, name, value}")
        raise _fault(index, wrong, None)
    name = document.get("name")
    try:
        event = _event(document)
    except Rejected as fault:
        raise _fault(index, fault, name) from None
    _, faults = sift([event], window=_ANY_TIME, names=names)
    if faults:
        raise _fault(index, faults[0][1], name)
    return event


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


def _fault(index: int, fault: Rejected, name: object) -> Rejected:
    """The same, saying which metric it was."""
    head, dot, rest = fault.field.partition(".")
    field = _FIELDS.get(head, head) + dot + rest
    which = f"metric {name[:40]!r}, " if isinstance(name, str) else ""
    return Rejected(
        fault.reason,
        f"{which}{field or 'as a whole'}: {fault.message}; nothing of this request was taken",
        field=f"metrics[{index}]{'.' if field else ''}{field}",
    )
