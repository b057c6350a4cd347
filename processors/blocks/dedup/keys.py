"""The keys by which a frame and its events are known again: of a receipt, of an event's id. Pure.

Beside each key stands the digest of the content it was used for, so that an id used again for other
content is told from a retry.
"""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from processors.blocks.dedup.index import Fact
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.frames import cut
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope

_KEY_BYTES: Final = 16


class ContentKey(NamedTuple):
    """The key of a receipt or of an event's id, and the digest of the content it names."""

    key: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class FrameKeys:
    """What can be recognised of one frame: its receipt and its events; None for none."""

    receipt: ContentKey | None
    events: Sequence[ContentKey | None] = ()


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """A message and the keys of its frames; none when its header lists no frames."""

    sequence: int
    stored_ns: int
    frames: Sequence[FrameKeys] = ()

    def facts(self) -> Iterator[Fact]:
        """What the index records of it."""
        for frame in self.frames:
            for found in (frame.receipt, *frame.events):
                if found is not None:
                    yield found.key, found.digest, self.sequence, self.stored_ns


def receipt_key(receipt: str) -> bytes:
    """The key of a receipt: its UUID."""
    try:
        return uuid.UUID(receipt).bytes
    except ValueError:  # not written by a collector; its hash is as good a key
        return hashlib.sha256(receipt.encode()).digest()[:_KEY_BYTES]


def event_key(org: str, app: str, event_id: str) -> bytes:
    """The key of an event's own id, which is unique within its app."""
    return hashlib.sha256(f"{org}\0{app}\0{event_id}".encode()).digest()[:_KEY_BYTES]


def keys_of(message: NatsMessage, reader: EnvelopeReader) -> MessageKeys:
    """The keys of a message.

    Frames that hold events with ids are opened, all others stay closed; of one that cannot be read
    only the receipt is known. A payload that was not read (b"") is taken to hold no such frames.
    """
    frames = message.frames
    if not frames:
        return MessageKeys(message.sequence, message.stored_ns)
    pieces: Sequence[bytes] = ()
    if any(frame.event_ids for frame in frames):
        try:
            pieces = cut(message.payload, frames)
        except ValueError:
            pieces = ()
    keys = []
    for index, frame in enumerate(frames):
        receipt = None
        if frame.receipt:
            receipt = ContentKey(receipt_key(frame.receipt), frame.digest.encode())
        events = _event_keys(pieces[index], reader) if frame.event_ids and pieces else ()
        keys.append(FrameKeys(receipt, events))
    return MessageKeys(message.sequence, message.stored_ns, keys)


def _event_keys(piece: bytes, reader: EnvelopeReader) -> Sequence[ContentKey | None]:
    try:
        envelope = reader.open(piece)
        org, app = envelope.org, envelope.app
        return [
            ContentKey(event_key(org, app, event_id), digest) if event_id else None
            for event_id, digest in envelope.event_digests()
        ]
    except UnreadableEnvelope:
        return ()
