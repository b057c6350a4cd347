"""A native batch: its outer object, and its events judged.

    decode(body) -> Batch             the outer object and, if all goes well, every event in one go
    judge(batch, …) -> Judged         what is stored, counted and answered
    letters(batch, judged)            what was rejected, as it was sent

A batch whose events do not all fit their type is decoded again with its events apart, so that one
bad event never sinks its batch. Raises Rejected for what is wrong with the batch as a whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from collector.admission import timestamps
from collector.admission.dead_letters import dead_letter
from collector.admission.events import Event, Window, flawless, sift
from collector.admission.names import Names
from collector.admission.one_event import read_event
from collector.admission.outer import FAULTS, SDK_CHARS, Sdk, part, read_sdk, read_text, split_sdk
from collector.admission.surrogates import mended
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected
from seamark.wire.limits import EVENTS_PER_BATCH, IDENTIFIER_CHARS
from seamark.wire.reasons import Reason


class _Whole(msgspec.Struct, rename="camel", kw_only=True):
    events: list[Event]
    sdk: Sdk | str | None = None
    app_id: str | None = None
    sent_at: timestamps.Timestamp | None = None
    batch_id: Annotated[str, Meta(max_length=IDENTIFIER_CHARS)] | None = None


class _Apart(msgspec.Struct, rename="camel", kw_only=True):
    events: Raw | UnsetType = UNSET
    sdk: Raw | UnsetType = UNSET
    app_id: Raw | UnsetType = UNSET
    sent_at: Raw | UnsetType = UNSET
    batch_id: Raw | UnsetType = UNSET


class _Named(msgspec.Struct):
    name: str = ""


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
_decode_name: Final = msgspec.json.Decoder(_Named).decode
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch. `events` hold a Rejected in place of what is no event.

    `body` is what was decoded: as sent, but for lone surrogates. `places` hold the JSON of each
    event where they were read one by one.
    """

    events: list[Event] | list[Event | Rejected]
    whole: bool
    wide: bool
    nulls: bool
    sdk: tuple[str, str]
    app_id: str
    sent_ms: int | None
    batch_id: str
    body: bytes
    places: Sequence[Raw] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a batch: the events taken, the counts, the faults by index."""

    events: list[Event]
    outcome: Outcome
    session_id: str = ""
    faults: list[tuple[int, Rejected]] = field(default_factory=list)

    @property
    def identified(self) -> bool:
        """Whether an event that was taken has an id of its own."""
        return bool([1 for event in self.events if event.id])

    @property
    def events_json(self) -> bytes:
        """The JSON array to store, written at every call."""
        return _encode(self.events)


def decode(body: bytes) -> Batch:
    """Decode a batch. Raises Rejected (MALFORMED, TOO_DEEP, TOO_MANY_EVENTS, …)."""
    try:
        whole = _decode_whole(body)
    except FAULTS:
        return _decode_again(body)
    if len(whole.events) > EVENTS_PER_BATCH:
        raise _too_many()
    sent_ms = None
    if whole.sent_at is not None:
        sent_ms = _in_ms(timestamps.checked(whole.sent_at, field="sentAt"))
    sdk = whole.sdk
    if isinstance(sdk, Sdk):
        name_and_version = (sdk.name[:SDK_CHARS], sdk.version[:SDK_CHARS])
    else:
        name_and_version = split_sdk(sdk or "")
    return Batch(
        events=whole.events,
        whole=True,
        wide=not body.isascii() or (b"\\" in body and b"\\u" in body),
        nulls=body.rfind(b"null") >= 0,  # half the time of `in`
        sdk=name_and_version,
        app_id=whole.app_id or "",
        sent_ms=sent_ms,
        batch_id=whole.batch_id or "",
        body=body,
    )


def judge(batch: Batch, *, window: Window, names: Names) -> Judged:
    """The verdict on a batch; `window` says which times are too late."""
    events: Iterable[Event | Rejected] = batch.events
    offered = len(batch.events)
    if batch.whole:
        whole: list[Event] = batch.events  # type: ignore[assignment]  # what `whole` means
        if flawless(whole, window=window, names=names, wide=batch.wide, nulls=batch.nulls):
            session_id = whole[0].session_id if whole else None
            return Judged(whole, Outcome(offered, offered), session_id or "")
    taken, faults = sift(events, window=window, names=names)
    rejected: dict[str, int] = {}
    for _, fault in faults:
        rejected[fault.reason.value] = rejected.get(fault.reason.value, 0) + 1
    return Judged(
        events=taken,
        outcome=Outcome(offered, len(taken), rejected),
        session_id=(taken[0].session_id or "") if taken else "",
        faults=faults,
    )


def dead_letters(batch: Batch, judged: Judged) -> Iterator[DeadLetter]:
    """A dead letter for each fault, made when it is asked for.

    The original is the event's own JSON out of the body, with U+FFFD for lone surrogates.
    """
    if judged.faults:
        places = batch.places or _places(batch.body)
        for index, fault in judged.faults:
            original = memoryview(places[index])
            yield dead_letter(index, fault, original=original, name=_name_in(places[index]))


def read_places(array: Raw | bytes) -> list[Raw]:
    """The JSON of each element of an array, at no cost for what is beyond the limit.

    Raises Rejected (TOO_MANY_EVENTS), and `FAULTS` when it is no array.
    """
    decoded = msgspec.structs.astuple(_decode_places(array))
    if decoded[-1] is not UNSET:
        raise _too_many()
    return [place for place in decoded if place is not UNSET]


def _places(body: bytes) -> Sequence[Raw]:
    """The JSON of each event of a body that could be decoded."""
    events = _decode_apart(body).events
    return () if isinstance(events, UnsetType) else read_places(events)


def _name_in(raw: Raw) -> str:
    """The name in an event's JSON, "" when there is none to be read."""
    try:
        return _decode_name(raw).name
    except FAULTS:
        return ""


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
        places = read_places(apart.events)
    except FAULTS:
        raise Rejected(
            Reason.MALFORMED, "events is not an array; send an array of events", field="events"
        ) from None
    sent_at = part(apart.sent_at, "sentAt")
    return Batch(
        sdk=read_sdk(part(apart.sdk, "sdk")),
        app_id=read_text(part(apart.app_id, "appId"), "appId", Reason.MALFORMED),
        sent_ms=None if sent_at is None else _in_ms(timestamps.read(sent_at, field="sentAt")),
        batch_id=read_text(part(apart.batch_id, "batchId"), "batchId", Reason.INVALID_IDENTIFIER),
        events=[read_event(place) for place in places],
        whole=False,
        wide=True,
        nulls=True,
        body=body,
        places=places,
    )


def _in_ms(ts: "timestamps.Timestamp") -> int:
    return int(timestamps.epoch_ms(ts))


def _too_many() -> Rejected:
    return Rejected(
        Reason.TOO_MANY_EVENTS,
        f"more than {EVENTS_PER_BATCH:,} events, which is the limit; send several batches",
        field="events",
    )
