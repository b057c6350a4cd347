"""A native batch from its bytes.

    decode(body) -> TypedBatch     every event fits its type: one call of msgspec
                  | RawBatch       an event or a member does not: each is read by itself

One bad event therefore never rejects its batch. Raises Rejected for what is wrong with the batch
as a whole.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from collector.admission import timestamps
from collector.admission.json_mending import mended
from collector.admission.native.errors import (
    DECODE_ERRORS,
    read_event,
    read_member,
    read_text_member,
    too_many_events,
)
from collector.admission.native.event import Event
from seamark.wire.failures import Rejected
from seamark.wire.limits import EVENTS_PER_BATCH, IDENTIFIER_CHARS
from seamark.wire.reasons import Reason

SDK_CHARS: Final = 64


class _Sdk(msgspec.Struct, gc=False):
    name: str = ""
    version: str = ""


class _TypedBody(msgspec.Struct, rename="camel", kw_only=True):
    events: list[Event]
    sdk: _Sdk | str | None = None
    app_id: Annotated[str, Meta(max_length=IDENTIFIER_CHARS)] | None = None
    sent_at: timestamps.Timestamp | None = None
    batch_id: Annotated[str, Meta(max_length=IDENTIFIER_CHARS)] | None = None


class _RawBody(msgspec.Struct, rename="camel", kw_only=True):
    events: Raw | UnsetType = UNSET
    sdk: Raw | UnsetType = UNSET
    app_id: Raw | UnsetType = UNSET
    sent_at: Raw | UnsetType = UNSET
    batch_id: Raw | UnsetType = UNSET


# An array decoded into a fixed number of elements: those beyond are skipped and use no memory,
# however many there are.
_Elements = msgspec.defstruct(
    "_Elements",
    [(f"at_{n}", Raw | UnsetType, UNSET) for n in range(EVENTS_PER_BATCH + 1)],
    array_like=True,
)
_decode_typed: Final = msgspec.json.Decoder(_TypedBody).decode
_decode_raw: Final = msgspec.json.Decoder(_RawBody).decode
_decode_elements: Final = msgspec.json.Decoder(_Elements).decode


class BatchMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch says beside its events.

    `sdk` is a name and a version; `sent_ms` counts from the epoch, None where there is none;
    `time_flag` is `timestamps.UNIT_CHANGED` where `sentAt` was not in milliseconds.
    """

    sdk: tuple[str, str] = ("", "")
    app_id: str = ""
    sent_ms: int | None = None
    batch_id: str = ""
    time_flag: int = 0


class TypedBatch(BatchMembers, frozen=True, kw_only=True):
    """A batch whose events all fit their type. `body` is the JSON they were decoded from."""

    events: list[Event]
    body: bytes

    @property
    def count(self) -> int:
        """How many events it holds."""
        return len(self.events)


class RawBatch(BatchMembers, frozen=True, kw_only=True):
    """A batch read event by event: a Rejected in place of what is no event.

    `originals` hold the JSON of each; `body` is what was decoded, b"" for a translated batch.
    """

    candidates: Sequence[Event | Rejected]
    originals: Sequence[Raw]
    body: bytes = b""

    @property
    def count(self) -> int:
        """How many events it holds, whatever they are."""
        return len(self.candidates)


def decode(body: bytes) -> TypedBatch | RawBatch:
    """Decode a batch. Raises Rejected (MALFORMED, TOO_DEEP, TOO_MANY_EVENTS, …).

    What in `body` is no JSON, but is meant (`json_mending`), is replaced first.
    """
    try:
        typed = _decode_typed(body)
    except DECODE_ERRORS:
        return _decode_by_event(body)
    if len(typed.events) > EVENTS_PER_BATCH:
        raise too_many_events()
    sent_ms, time_flag = _sent(typed.sent_at)
    sdk = typed.sdk
    return TypedBatch(
        events=typed.events,
        body=body,
        sdk=_sdk(sdk.name, sdk.version) if isinstance(sdk, _Sdk) else _split_sdk(sdk or ""),
        app_id=typed.app_id or "",
        sent_ms=sent_ms,
        batch_id=typed.batch_id or "",
        time_flag=time_flag,
    )


def read_elements(array: Raw | bytes) -> list[Raw]:
    """The JSON of each element of an array.

    Raises Rejected (TOO_MANY_EVENTS), and `DECODE_ERRORS` when it is no array.
    """
    decoded = msgspec.structs.astuple(_decode_elements(array))
    if decoded[-1] is not UNSET:
        raise too_many_events()
    return [element for element in decoded if element is not UNSET]


def originals_of(batch: TypedBatch | RawBatch) -> Sequence[Raw]:
    """The JSON of each event of a batch."""
    if isinstance(batch, RawBatch):
        return batch.originals
    events = _decode_raw(batch.body).events
    return () if isinstance(events, UnsetType) else read_elements(events)


def _decode_by_event(body: bytes) -> TypedBatch | RawBatch:
    """The same, with every member and event read by itself, so that what is wrong is named."""
    try:
        raw = _decode_raw(body)
    except RecursionError:
        raise Rejected(
            Reason.TOO_DEEP, "the body is nested too deep; attributes are flat, flatten them"
        ) from None
    except UnicodeDecodeError:
        raise Rejected(Reason.MALFORMED, "the body is not UTF-8; encode it as UTF-8") from None
    except msgspec.DecodeError as error:
        repaired = mended(body)
        if repaired is not None:
            return decode(repaired)
        raise Rejected(
            Reason.MALFORMED, f'{error}; send {{"sdk", "appId", "sentAt", "events": […]}}'
        ) from None
    originals = _elements_of(raw.events)
    sent_at = read_member(raw.sent_at, "sentAt")
    sent_ms, time_flag = _sent(
        None if sent_at is None else timestamps.parse(sent_at, field="sentAt")
    )
    return RawBatch(
        candidates=[read_event(original) for original in originals],
        originals=originals,
        body=body,
        sdk=_read_sdk(read_member(raw.sdk, "sdk")),
        app_id=read_text_member(raw.app_id, "appId", Reason.MALFORMED),
        sent_ms=sent_ms,
        batch_id=read_text_member(raw.batch_id, "batchId", Reason.INVALID_IDENTIFIER),
        time_flag=time_flag,
    )


def _sent(sent_at: "timestamps.Timestamp | None") -> tuple[int | None, int]:
    """Milliseconds since the epoch and the flag of `sentAt`. Raises Rejected."""
    if sent_at is None:
        return None, 0
    if type(sent_at) is int and timestamps.certainly_ms(sent_at, sent_at):
        return sent_at, 0
    sent = timestamps.normalized(sent_at, field="sentAt")
    return sent.ms, sent.flag


def _elements_of(events: Raw | UnsetType) -> list[Raw]:
    if isinstance(events, UnsetType):
        raise Rejected(
            Reason.MALFORMED, "events is missing; send an array of events", field="events"
        )
    try:
        return read_elements(events)
    except DECODE_ERRORS:
        raise Rejected(
            Reason.MALFORMED, "events is not an array; send an array of events", field="events"
        ) from None


def _read_sdk(value: object) -> tuple[str, str]:
    """Name and version, given as an object or as text. Raises Rejected (MALFORMED)."""
    if value is None or isinstance(value, str):
        return _split_sdk(value or "")
    if isinstance(value, dict):
        name, version = value.get("name", ""), value.get("version", "")
        if isinstance(name, str) and isinstance(version, str):
            return _sdk(name, version)
    raise Rejected(
        Reason.MALFORMED,
        'it is neither {"name", "version"} of text nor text; send one of them',
        field="sdk",
    )


def _split_sdk(text: str) -> tuple[str, str]:
    """Name and version of `name/version`."""
    name, _, version = text.partition("/")
    return _sdk(name, version)


def _sdk(name: str, version: str) -> tuple[str, str]:
    return name[:SDK_CHARS], version[:SDK_CHARS]
