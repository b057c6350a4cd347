"""A native batch: its outer object, and its events judged.

    decode(body) -> Batch             the outer object and, if all goes well, every event in one go
    judge(batch, …) -> Judged         what is stored, counted and answered

A batch whose events do not all fit their type is decoded again with its events apart, so that one
bad event never sinks its batch. Raises Rejected for what is wrong with the batch as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from collector.admission import timestamps
from collector.admission.events import Event, Window, flawless, sift
from collector.admission.names import Names
from collector.admission.one_event import read_event
from collector.admission.surrogates import mended
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected
from seamark.wire.limits import ERRORS_REPORTED, EVENTS_PER_BATCH, IDENTIFIER_CHARS
from seamark.wire.reasons import Reason

_SDK_CHARS: Final = 64


class _Sdk(msgspec.Struct, gc=False):
    name: str = ""
    version: str = ""


class _Whole(msgspec.Struct, rename="camel", kw_only=True):
    events: list[Event]
    sdk: _Sdk | str | None = None
    app_id: str | None = None
    sent_at: timestamps.Timestamp | None = None
    batch_id: Annotated[str, Meta(max_length=IDENTIFIER_CHARS)] | None = None


class _Apart(msgspec.Struct, rename="camel", kw_only=True):
    events: Raw | UnsetType = UNSET
    sdk: Raw | UnsetType = UNSET
    app_id: Raw | UnsetType = UNSET
    sent_at: Raw | UnsetType = UNSET
    batch_id: Raw | UnsetType = UNSET


# An array decoded into a fixed number of places: what is beyond them is skipped without being
# kept, so an array of two million elements costs no memory.
_Places = msgspec.defstruct(
    "_Places",
    [(f"at_{n}", Raw | UnsetType, UNSET) for n in range(EVENTS_PER_BATCH + 1)],
    array_like=True,
)
_decode_whole: Final = msgspec.json.Decoder(_Whole).decode
_decode_apart: Final = msgspec.json.Decoder(_Apart).decode
_decode_places: Final = msgspec.json.Decoder(_Places).decode
_encode: Final = msgspec.json.Encoder().encode
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch. `events` hold a Rejected in place of what is no event."""

    events: list[Event] | list[Event | Rejected]
    whole: bool
    wide: bool
    nulls: bool
    sdk: tuple[str, str]
    app_id: str
    sent_ms: int | None
    batch_id: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a batch: the JSON array to store, the counts, the first faults by index."""

    events_json: bytes
    outcome: Outcome
    session_id: str = ""
    faults: list[tuple[int, Rejected]] = field(default_factory=list)


def decode(body: bytes) -> Batch:
    """Decode a batch. Raises Rejected (MALFORMED, TOO_DEEP, TOO_MANY_EVENTS, …)."""
    try:
        whole = _decode_whole(body)
    except _FAULTS:
        return _decode_again(body)
    if len(whole.events) > EVENTS_PER_BATCH:
        raise _too_many()
    sent_ms = None
    if whole.sent_at is not None:
        sent_ms = _in_ms(timestamps.checked(whole.sent_at, field="sentAt"))
    sdk = whole.sdk
    if isinstance(sdk, _Sdk):
        name_and_version = (sdk.name[:_SDK_CHARS], sdk.version[:_SDK_CHARS])
    else:
        name_and_version = _split_sdk(sdk or "")
    return Batch(
        events=whole.events,
        whole=True,
        wide=not body.isascii() or (b"\\" in body and b"\\u" in body),
        nulls=body.rfind(b"null") >= 0,  # half the time of `in`
        sdk=name_and_version,
        app_id=whole.app_id or "",
        sent_ms=sent_ms,
        batch_id=whole.batch_id or "",
    )


def judge(batch: Batch, *, window: Window, names: Names) -> Judged:
    """The verdict on a batch; `window` says which times are too late."""
    events: Iterable[Event | Rejected] = batch.events
    offered = len(batch.events)
    if batch.whole:
        whole: list[Event] = batch.events  # type: ignore[assignment]  # what `whole` means
        if flawless(whole, window=window, names=names, wide=batch.wide, nulls=batch.nulls):
            session_id = whole[0].session_id if whole else None
            return Judged(_encode(whole), Outcome(offered, offered), session_id or "")
    taken, faults = sift(events, window=window, names=names)
    rejected: dict[str, int] = {}
    for _, fault in faults:
        rejected[fault.reason.value] = rejected.get(fault.reason.value, 0) + 1
    return Judged(
        events_json=_encode(taken),
        outcome=Outcome(offered, len(taken), rejected),
        session_id=(taken[0].session_id or "") if taken else "",
        faults=faults[:ERRORS_REPORTED],
    )


def _decode_again(body: bytes) -> Batch:
    """The same, with every part looked at alone, so that what is wrong can be named."""
    try:
        apart = _decode_apart(body)
    except RecursionError:
        raise Rejected(
            Reason.TOO_DEEP, "the body is nested too deep; attributes are flat, flatten them"
        ) from None
    except UnicodeDecodeError:
        raise Rejected(Reason.MALFORMED, "the body is not UTF-8; encode it as UTF-8") from None
    except msgspec.DecodeError as error:
        fixed = mended(body)
        if fixed is not None:
            return decode(fixed)
        raise Rejected(
            Reason.MALFORMED, f'{error}; send {{"sdk", "appId", "sentAt", "events": […]}}'
        ) from None
    if apart.events is UNSET:
        raise Rejected(
            Reason.MALFORMED, "events is missing; send an array of events", field="events"
        )
    try:
        places = msgspec.structs.astuple(_decode_places(apart.events))
    except _FAULTS:
        raise Rejected(
            Reason.MALFORMED, "events is not an array; send an array of events", field="events"
        ) from None
    if places[-1] is not UNSET:
        raise _too_many()
    sent_at = _part(apart.sent_at, "sentAt")
    return Batch(
        sdk=_read_sdk(_part(apart.sdk, "sdk")),
        app_id=_read_text(_part(apart.app_id, "appId"), "appId", Reason.MALFORMED),
        sent_ms=None if sent_at is None else _in_ms(timestamps.read(sent_at, field="sentAt")),
        batch_id=_read_text(_part(apart.batch_id, "batchId"), "batchId", Reason.INVALID_IDENTIFIER),
        events=[read_event(place) for place in places if place is not UNSET],
        whole=False,
        wide=True,
        nulls=True,
    )


def _part(raw: Raw | UnsetType, name: str) -> object:
    if isinstance(raw, UnsetType):
        return None
    try:
        return msgspec.json.decode(raw)
    except _FAULTS as error:
        raise Rejected(Reason.MALFORMED, f"{error}; correct it", field=name) from None


def _read_sdk(value: object) -> tuple[str, str]:
    if value is None or isinstance(value, str):
        return _split_sdk(value or "")
    if isinstance(value, dict):
        name, version = value.get("name", ""), value.get("version", "")
        if isinstance(name, str) and isinstance(version, str):
            return name[:_SDK_CHARS], version[:_SDK_CHARS]
    raise Rejected(
        Reason.MALFORMED,
        'it is neither {"name", "version"} of text nor text; send one of them',
        field="sdk",
    )


def _split_sdk(text: str) -> tuple[str, str]:
    name, _, version = text.partition("/")
    return name[:_SDK_CHARS], version[:_SDK_CHARS]


def _read_text(value: object, name: str, reason: Reason) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(reason, "it is not text; put it in quotes", field=name)
    if len(value) > IDENTIFIER_CHARS:
        raise Rejected(
            reason,
            f"{len(value):,} characters, the limit is {IDENTIFIER_CHARS}; shorten it",
            field=name,
        )
    return value


def _in_ms(ts: "timestamps.Timestamp") -> int:
    return int(timestamps.epoch_ms(ts))


def _too_many() -> Rejected:
    return Rejected(
        Reason.TOO_MANY_EVENTS,
        f"more than {EVENTS_PER_BATCH:,} events, which is the limit; send several batches",
        field="events",
    )
