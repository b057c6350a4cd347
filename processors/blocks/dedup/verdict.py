"""Which frames of a run of messages are a client's retry, and which events were there before. Pure.

A frame whose batch had an id is a duplicate when its receipt stood in the same stream before, no
longer ago than the window, and so is an event whose id (of its org and app) did. "Before" is by the
position in the log, "ago" by the log's own time of the message; whether what stood there was itself
a duplicate does not matter. So the verdict is a function of the log alone: every sink comes to the
same, however often it is killed and wherever it starts.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from processors.blocks.dedup.index import Fact
from processors.blocks.nats_frames import Message
from seamark.wire.frames import cut
from seamark.wire.reading import EnvelopeReader, Unreadable

_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Marks:
    """What can be recognised of one frame: keys of its receipt and of its events, None for none."""

    receipt: bytes | None
    events: Sequence[bytes | None] = ()


@dataclass(frozen=True, slots=True)
class Marked:
    """A message and the marks of its frames; none when its header lists no frames."""

    sequence: int
    stored_ns: int
    frames: Sequence[Marks] = ()

    def facts(self) -> Iterator[Fact]:
        """What is to be remembered of it."""
        for frame in self.frames:
            for key in (frame.receipt, *frame.events):
                if key is not None:
                    yield key, self.sequence, self.stored_ns


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one frame: it is a retry as a whole, or else these of its events were there before."""

    retry: bool
    events: tuple[int, ...] = ()


def receipt_key(receipt: str) -> bytes:
    """The key of a receipt: its UUID."""
    try:
        return uuid.UUID(receipt).bytes
    except ValueError:  # not written by us; it is still the same again when it comes again
        return hashlib.sha256(receipt.encode()).digest()[:_KEY_BYTES]


def event_key(org: str, app: str, event_id: str) -> bytes:
    """The key of an event's own id, which means something only within its app."""
    return hashlib.sha256(f"{org}\0{app}\0{event_id}".encode()).digest()[:_KEY_BYTES]


def marked(message: Message, reader: EnvelopeReader) -> Marked:
    """The marks of a message.

    Frames that hold events with ids are opened, all others stay closed; of one that cannot be read
    only the receipt is known. A payload that was not read (b"") is taken to hold no such frames.
    """
    frames = message.frames
    if not frames:
        return Marked(message.sequence, message.stored_ns)
    pieces: Sequence[bytes] = ()
    if any(frame.event_ids for frame in frames):
        try:
            pieces = cut(message.payload, frames)
        except ValueError:
            pieces = ()
    marks = []
    for index, frame in enumerate(frames):
        receipt = receipt_key(frame.receipt) if frame.receipt else None
        events = _event_keys(pieces[index], reader) if frame.event_ids and pieces else ()
        marks.append(Marks(receipt, events))
    return Marked(message.sequence, message.stored_ns, marks)


def _event_keys(piece: bytes, reader: EnvelopeReader) -> Sequence[bytes | None]:
    try:
        envelope = reader.open(piece)
        org, app = envelope.org, envelope.app
        return [event_key(org, app, one) if one else None for one in envelope.event_ids()]
    except Unreadable:
        return ()


def verdicts(
    messages: Sequence[Marked], before: Mapping[bytes, int], *, window_ns: int
) -> dict[tuple[int, int], Verdict]:
    """What is a duplicate, by (index of the message, index of its frame); the rest is new.

    `before`: when (ns) a key last stood in the stream before the first of `messages`.
    """
    latest = dict(before)
    found = {}

    def stood(key: bytes | None, now_ns: int) -> bool:
        if key is None:
            return False
        then_ns = latest.get(key)
        latest[key] = now_ns if then_ns is None else max(then_ns, now_ns)
        return then_ns is not None and now_ns - then_ns <= window_ns

    for at, message in enumerate(messages):
        for index, frame in enumerate(message.frames):
            retry = stood(frame.receipt, message.stored_ns)
            again = [stood(key, message.stored_ns) for key in frame.events]
            if retry or any(again):
                events = tuple(number for number, seen in enumerate(again) if seen)
                found[at, index] = Verdict(retry, () if retry else events)
    return found
