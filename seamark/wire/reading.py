"""Reading an envelope again, and writing one anew with less in it. Pure.

Bodies stay closed: a field is a slice of the envelope, and of events only the ids are decoded. What
is written anew keeps every byte that it does not mean to change.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec
import zstandard

from seamark.wire.counting import counting_frame
from seamark.wire.envelope import BODY_FIELD, DeadLetter, Outcome, Sender, bytes_field, varint
from seamark.wire.reasons import Reason
from seamark.wire.receipts import content_digest
from seamark.wire.signals import Signal

RECEIVED_TIME: Final = 4
"""Bit of an event's `timeFlag`: its `ts` is when it was received, since the sender gave none."""
INFLATED_BYTES: Final = 64 * 1024 * 1024
"""An envelope that says it is larger is not opened: the collector writes none (`limits.py`)."""
_LEN, _VARINT, _I64, _I32 = 2, 0, 1, 5
_RECEIPT, _RECEIVED_NS, _KEY_ID, _OUTCOME, _DEAD_LETTERS = 3, 4, 17, 21, 22
_ORG_TAG: Final = 1 << 3 | _LEN
_HEAD_BYTES: Final = 512
_EVENTS: Final = BODY_FIELD[Signal.EVENTS]


class UnreadableEnvelope(Exception):
    """This is no frame that holds one envelope."""


class _Event(msgspec.Struct, rename="camel", gc=False):
    id: str = ""
    time_flag: int = 0


class _Named(msgspec.Struct):
    name: str = ""


_decode_events: Final = msgspec.json.Decoder(list[_Event]).decode
_decode_raw: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_named: Final = msgspec.json.Decoder(_Named).decode
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_REUSED: Final = {
    "id": "the id of this event was used before for other content; give each event an id of its "
    "own, and replay this one",
    "batchId": "the batchId of this event's batch was used before for other content; give each "
    "batch an id of its own, and replay this event",
}


class ProtoField(NamedTuple):
    """One field of a message: where its tag, its value and the next field begin; its integer."""

    number: int
    start: int
    value: int
    end: int
    integer: int


class Opened:
    """One envelope, its bodies closed."""

    __slots__ = ("_data", "_fields")

    def __init__(self, data: bytes, fields: Sequence[ProtoField]) -> None:
        """`fields` are all that `data` holds, in order."""
        self._data = data
        self._fields = fields

    @property
    def org(self) -> str:
        """Raises Unreadable, as do all the others."""
        return self._text(1)

    @property
    def app(self) -> str:
        """With `org`, whose it is."""
        return self._text(2)

    @property
    def receipt(self) -> str:
        """Of the request it was part of."""
        return self._text(_RECEIPT)

    @property
    def received_ns(self) -> int:
        """When that was received, since the epoch; 0 where it does not say."""
        field = self._last(_RECEIVED_NS)
        return field.integer if field else 0

    @property
    def outcome(self) -> Outcome:
        """What the collector counted."""
        return _outcome(self._value(_OUTCOME))

    def event_ids(self) -> list[str]:
        """The id of each event, "" for none. Raises Unreadable."""
        return [event.id for event in self._events()]

    def event_digests(self) -> list[tuple[str, bytes]]:
        """The id of each event ("" for none) and the digest of its content (b"" without an id).

        A time that the collector gave is no content: a retry is given another. Raises Unreadable.
        """
        return [
            (event.id, content_digest(_content(raw, event.time_flag)) if event.id else b"")
            for event, raw in zip(self._events(), self._raw_events(), strict=True)
        ]

    def _events(self) -> list[_Event]:
        try:
            return _decode_events(self._value(_EVENTS) or b"[]")
        except msgspec.DecodeError as error:
            raise UnreadableEnvelope(f"events: {error}") from None

    def _raw_events(self) -> list[msgspec.Raw]:
        try:
            return _decode_raw(self._value(_EVENTS) or b"[]")
        except msgspec.DecodeError as error:
            raise UnreadableEnvelope(f"events: {error}") from None

    def without_events(
        self,
        duplicates: Collection[int] = (),
        *,
        reused: Collection[int] = (),
        reused_batch: bool = False,
    ) -> bytes:
        """A frame of the same envelope without these events.

        It counts `duplicates` as such. `reused` have an id that was used for other content, and
        with `reused_batch` so have all but the duplicates: each becomes a dead letter in the
        envelope, counted as dead-lettered. Raises Unreadable.
        """
        stored: list[bytes] = []
        dead_letters: list[DeadLetter] = []
        for index, event in enumerate(self._raw_events()):
            if index in duplicates:
                continue
            if reused_batch or index in reused:
                field = "id" if index in reused else "batchId"
                dead_letters.append(_dead_letter(index, bytes(event), field))
            else:
                stored.append(bytes(event))
        body = b"[" + b",".join(stored) + b"]" if stored else b""
        outcome = self.outcome
        outcome = replace(
            outcome,
            duplicate=outcome.duplicate + len(duplicates),
            dead_lettered=outcome.dead_lettered + len(dead_letters),
        )
        parts = [
            self._data[field.start : field.end]
            for field in self._fields
            if field.number not in (_OUTCOME, _EVENTS)
        ]
        parts += [bytes_field(_OUTCOME, outcome.encode())]
        parts += [bytes_field(_DEAD_LETTERS, letter.encode()) for letter in dead_letters]
        parts += [bytes_field(_EVENTS, body)]
        envelope = b"".join(parts)
        return zstandard.compress(varint(len(envelope)) + envelope, 1)

    def counting(
        self, outcome: Outcome, *, signal: Signal, dead_letters: Sequence[DeadLetter] = ()
    ) -> bytes:
        """A frame that only counts: the same sender, receipt and time, this outcome, no body."""
        received = self._last(_RECEIVED_NS)
        return counting_frame(
            Sender(org=self.org, app=self.app, key_id=self._text(_KEY_ID)),
            receipt=self._text(_RECEIPT),
            received_ns=received.integer if received else 0,
            outcome=outcome,
            signal=signal,
            dead_letters=dead_letters,
        )

    def _last(self, number: int) -> ProtoField | None:
        return next((field for field in reversed(self._fields) if field.number == number), None)

    def _value(self, number: int) -> bytes:
        field = self._last(number)
        return self._data[field.value : field.end] if field else b""

    def _text(self, number: int) -> str:
        try:
            return self._value(number).decode()
        except UnicodeDecodeError as error:
            raise UnreadableEnvelope(f"field {number}: {error}") from None


class EnvelopeReader:
    """Opens frames. Not for two threads at once.

    It keeps a decompressor: making one costs ten times what it costs to open a frame with it.
    """

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()

    def open(self, frame: bytes) -> Opened:
        """The envelope in `frame`, which is one whole zstd frame. Raises Unreadable."""
        try:
            if zstandard.frame_content_size(frame) > INFLATED_BYTES:
                raise UnreadableEnvelope("larger than an envelope can be")
            data = self._decompressor.decompress(
                frame, max_output_size=INFLATED_BYTES, allow_extra_data=False
            )
        except zstandard.ZstdError as error:
            raise UnreadableEnvelope(str(error)) from None
        if not data:
            raise UnreadableEnvelope("an empty frame")
        length, start = _varint(data, 0)
        if start + length != len(data):
            raise UnreadableEnvelope(f"an envelope of {length} bytes in {len(data)} bytes")
        return Opened(data, fields_of(data, start, len(data)))


def org_of(frame: bytes) -> str:
    """The org of the envelope in `frame`, of which only the beginning is inflated; "" if unknown.

    The org is the first field that an envelope has.
    """
    try:
        head = zstandard.ZstdDecompressor().stream_reader(frame).read(_HEAD_BYTES)
        _, start = _varint(head, 0)
        tag, at = _varint(head, start)
        length, at = _varint(head, at)
    except (zstandard.ZstdError, UnreadableEnvelope):
        return ""
    return head[at : at + length].decode("utf-8", "replace") if tag == _ORG_TAG else ""


def fields_of(data: bytes, start: int, end: int) -> list[ProtoField]:
    """The fields of the message data[start:end]. Raises Unreadable."""
    fields = []
    while start < end:
        tag, at = _varint(data, start)
        integer = 0
        kind = tag & 7
        value = at
        if kind == _LEN:
            length, value = _varint(data, at)
            at = value + length
        elif kind == _VARINT:
            integer, at = _varint(data, at)
        elif kind == _I64:
            at += 8
        elif kind == _I32:
            at += 4
        else:
            raise UnreadableEnvelope(f"a field of type {kind}")
        if at > end or tag < 8:
            raise UnreadableEnvelope("a field that goes beyond the end")
        fields.append(ProtoField(tag >> 3, start, value, at, integer))
        start = at
    return fields


def _outcome(data: bytes) -> Outcome:
    counts: dict[int, int] = {}
    maps: dict[int, dict[str, int]] = {3: {}, 8: {}}
    for field in fields_of(data, 0, len(data)):
        if field.number in maps:
            reason, count = _entry(data, field)
            maps[field.number][reason] = count
        else:
            counts[field.number] = field.integer
    return Outcome(
        offered=counts.get(1, 0),
        accepted=counts.get(2, 0),
        rejected=maps[3],
        sampled=counts.get(4, 0),
        limited=counts.get(5, 0),
        duplicate=counts.get(6, 0),
        dead_lettered=counts.get(7, 0),
        request_rejections=maps[8],
        part=counts.get(9, 0),
    )


def _entry(data: bytes, field: ProtoField) -> tuple[str, int]:
    """One entry of a map<string, uint32>."""
    reason, count = "", 0
    for part in fields_of(data, field.value, field.end):
        if part.number == 1:
            reason = data[part.value : part.end].decode(errors="replace")
        else:
            count = part.integer
    return reason, count


def _content(event: msgspec.Raw, time_flag: int) -> bytes:
    """What an event says, without a time that the collector gave."""
    if not time_flag & RECEIVED_TIME:
        return bytes(event)
    document = msgspec.json.decode(event)
    document.pop("ts", None)
    return _encode(document)


def _dead_letter(index: int, event: bytes, field: str) -> DeadLetter:
    return DeadLetter(
        index=index,
        reason=Reason.ID_REUSED.value,
        field=field,
        message=_REUSED[field],
        original=event,
        name=_decode_named(event).name,
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at `at`, and where it ends. Raises Unreadable."""
    value = shift = 0
    for end in range(at, min(at + 10, len(data))):
        byte = data[end]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, end + 1
        shift += 7
    raise UnreadableEnvelope("an integer without end")
