"""Mending a rejected event: small changes to named fields, in order. Pure.

A path is a field (`name`), or one of a map of the event (`attrs.price`: everything behind the first
dot is the key, which may hold dots itself). Nothing but what a change names is ever touched, and
the event that comes in is left as it is.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Event = dict[str, Any]
Path = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
MAX_CHANGES: Final = 32
MAPS: Final = ("attrs", "device")
_ABSENT: Final = object()
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})


class Rename(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="rename",
):
    """Move what is at `from` to `to`; without it nothing happens."""

    from_: Path = msgspec.field(name="from")
    to: Path


class Cast(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="cast",
):
    """Turn what is there into another type; what cannot be turned stays as it is."""

    field: Path
    to: Literal["number", "string", "boolean", "timestamp"]


class Default(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="default",
):
    """Put a value where there is none, or null."""

    field: Path
    value: str | int | float | bool


class Drop(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="drop",
):
    """Take a field out."""

    field: Path


Change = Rename | Cast | Default | Drop


def patched(event: Event, changes: Sequence[Change]) -> Event:
    """The event with all changes made, one after the other."""
    made = {key: dict(value) if isinstance(value, dict) else value for key, value in event.items()}
    for change in changes:
        match change:
            case Rename():
                value = _get(made, change.from_)
                if value is not _ABSENT and _put(made, change.to, value):
                    _take(made, change.from_)
            case Cast():
                value = _get(made, change.field)
                if value is not _ABSENT:
                    _put(made, change.field, cast(value, change.to))
            case Default():
                if _get(made, change.field) in (_ABSENT, None):
                    _put(made, change.field, change.value)
            case Drop():
                _take(made, change.field)
    return made


def check(changes: Sequence[Change]) -> None:
    """Raises Rejected for changes that nothing could come of."""
    if len(changes) > MAX_CHANGES:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{len(changes)} changes; the limit is {MAX_CHANGES}.",
            field="patch",
        )
    for place, change in enumerate(changes):
        paths = (change.from_, change.to) if isinstance(change, Rename) else (change.field,)
        for path in paths:
            _check_path(path, place)
        if isinstance(change, Rename) and _one_in_the_other(change.from_, change.to):
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                "from and to are the same, or one holds the other.",
                field=f"patch[{place}].to",
            )


def _one_in_the_other(old: str, new: str) -> bool:
    maps = {path for path in (old, new) if path in MAPS}
    return old == new or {old.partition(".")[0], new.partition(".")[0]} <= maps


def _check_path(path: str, place: int) -> None:
    head, dot, key = path.partition(".")
    if dot and (head not in MAPS or not key):
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{path[:60]!r} is no path: write a field (name, ts, value, …), or one of attrs or "
            "device (attrs.price).",
            field=f"patch[{place}]",
        )


def cast(value: Any, to: str) -> Any:
    """`value` as another type; as it is when it cannot be turned without guessing.

    A timestamp becomes epoch milliseconds, from ISO 8601 (UTC unless it says otherwise) or from
    seconds.
    """
    match to:
        case "string":
            return _as_string(value)
        case "boolean":
            return _as_boolean(value)
        case "timestamp":
            return _as_timestamp(value)
        case _:
            return _as_number(value)


def _as_string(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def _as_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = _as_string(value)
    if isinstance(text, str) and text.strip().lower() in _TRUE | _FALSE:
        return text.strip().lower() in _TRUE
    return value


def _as_number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


_SECONDS: Final = range(10**8, 10**10)
"""Numbers that are taken for seconds: 1973 to 2286, in milliseconds the first months of 1970."""


def _as_timestamp(value: Any) -> Any:
    number = value if isinstance(value, bool) else _as_number(value)
    if isinstance(number, int | float) and not isinstance(number, bool):
        if not math.isfinite(number):
            return value
        return int(number * 1000) if _SECONDS.start <= number < _SECONDS.stop else int(number)
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        made = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return value
    return made if made >= _SECONDS.stop else value


def _place(event: Event, path: str) -> tuple[Event | None, str]:
    """The map that holds a path, None when there is none, and the key in it."""
    head, dot, key = path.partition(".")
    if not dot or head not in MAPS:
        return event, path
    inner = event.get(head)
    return (inner if isinstance(inner, dict) else None), key


def _get(event: Event, path: str) -> Any:
    holder, key = _place(event, path)
    return _ABSENT if holder is None else holder.get(key, _ABSENT)


def _take(event: Event, path: str) -> Any:
    holder, key = _place(event, path)
    return _ABSENT if holder is None else holder.pop(key, _ABSENT)


def _put(event: Event, path: str, value: Any) -> bool:
    """Whether it could be put there: a path into what is no map leads nowhere."""
    head, dot, _ = path.partition(".")
    if dot and event.get(head) is None:
        event[head] = {}
    holder, key = _place(event, path)
    if holder is None:
        return False
    holder[key] = value
    return True
