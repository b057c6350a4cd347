"""A message frame by frame: taken apart, put together, and what is said of a bad frame. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from processors.blocks.nats_frames import NatsMessage
from seamark.wire.counting import counting_frame
from seamark.wire.envelope import DeadLetter, Outcome, Sender
from seamark.wire.frames import HEADER, Frame, cut, frames_header
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope
from seamark.wire.signals import Signal
from seamark.wire.zstd_frames import frames_of

REFUSED: Final = "refused_by_store"
_WORDS_CHARS: Final = 1000


def pieces_of(message: NatsMessage) -> list[NatsMessage]:
    """One message for each frame, with a header that lists it if the message's does.

    Cut where the header says; without one, where the zstd frames end. What begins no whole frame is
    one piece with all that follows it. A message without a payload has none.
    """
    frames = message.frames
    try:
        payloads = cut(message.payload, frames)
    except ValueError:
        frames = []
        payloads = frames_of(message.payload)
    entries = frames or [Frame(len(payload)) for payload in payloads]
    return [
        _with(message, payload, [entry]) for payload, entry in zip(payloads, entries, strict=True)
    ]


def joined(message: NatsMessage, payloads: Sequence[bytes]) -> NatsMessage:
    """`message` with other bytes in each of the frames that its header lists."""
    frames = [
        replace(frame, length=len(payload))
        for frame, payload in zip(message.frames, payloads, strict=True)
    ]
    return _with(message, b"".join(payloads), frames)


def notice_of(piece: NatsMessage, *, name: str, words: str, signal: Signal) -> bytes:
    """A frame that only counts: what was in `piece` was accepted, and then refused for good.

    `words` are the sink's, `name` says where in the log it stood. Of a frame that cannot be read
    nothing is counted, because what it held is unknown; its dead letter belongs to no app.
    """
    dead_letter = DeadLetter(
        index=0, reason=REFUSED, field="", message=words[:_WORDS_CHARS], original=b"", name=name
    )
    try:
        envelope = EnvelopeReader().open(piece.payload)
        outcome = envelope.outcome
        dead_lettered = outcome.accepted - outcome.duplicate
        return envelope.counting(
            replace(outcome, dead_lettered=dead_lettered), signal=signal, dead_letters=[dead_letter]
        )
    except UnreadableEnvelope:
        return counting_frame(
            Sender(org="", app=""),
            receipt=next((frame.receipt for frame in piece.frames), ""),
            received_ns=piece.stored_ns,
            outcome=Outcome(0, 0),
            signal=signal,
            dead_letters=[dead_letter],
        )


def _with(message: NatsMessage, payload: bytes, frames: Sequence[Frame]) -> NatsMessage:
    header = frames_header(frames)
    headers = f"NATS/1.0\r\n{HEADER}: {header}\r\n\r\n".encode() if header else b""
    return msgspec.structs.replace(message, payload=payload, headers=headers)
