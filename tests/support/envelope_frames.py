"""Frames as the collector makes them, and what is in them, for tests of what reads the log."""

from collections.abc import Sequence

import msgspec
import zstandard

from processors.blocks.nats_frames import NatsMessage
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.frames import HEADER, Frame, frames_header
from seamark.wire.reading import EnvelopeReader, Opened
from seamark.wire.receipts import receipt_for_batch
from seamark.wire.signals import Signal
from seamark.wire.zstd_frames import frames_of

RECEIVED_NS = 1_795_316_640_123_456_789


def envelope_frame(
    batch: str,
    *,
    ids: Sequence[str],
    org: str = "acme",
    app: str = "shop",
    name: str = "n",
    rejected: int = 0,
    received_ns: int = RECEIVED_NS,
) -> bytes:
    """One batch with an event for each of `ids` ("": it has none)."""
    events = [{"ts": 1_795_316_640_000, "name": name} | ({"id": i} if i else {}) for i in ids]
    envelope = encode_envelope(
        Sender(org=org, app=app, key_id="k1", browser="Firefox").encode(),
        receipt=receipt_for_batch(org, app, batch),
        received_ns=received_ns,
        sent_ms=None,
        outcome=Outcome(
            len(events) + rejected, len(events), {"invalid_name": rejected} if rejected else {}
        ),
        signal=Signal.EVENTS,
        body=msgspec.json.encode(events),
    )
    return zstandard.compress(envelope, 1)


def frame_of(org: str, *, body: bytes) -> bytes:
    """One envelope of an org with a body of any bytes."""
    envelope = encode_envelope(
        Sender(org=org, app="shop").encode(),
        receipt="",
        received_ns=RECEIVED_NS,
        sent_ms=None,
        outcome=Outcome(1, 1),
        signal=Signal.EVENTS,
        body=body,
    )
    return zstandard.compress(envelope, 1)


def message(
    sequence: int, *frames: tuple[bytes, str, bool], at_ns: int = 0, listed: bool = True
) -> NatsMessage:
    """A message of frames: (bytes, batch id or "", whether its events have ids)."""
    entries = [
        Frame(len(data), receipt_for_batch("acme", "shop", batch) if batch else "", marked)
        for data, batch, marked in frames
    ]
    header = frames_header(entries) if listed else None
    headers = b"NATS/1.0\r\nNats-Msg-Id: m%d\r\n" % sequence
    headers += f"{HEADER}: {header}\r\n".encode() if header else b""
    payload = b"".join(data for data, _, _ in frames)
    return NatsMessage(sequence, at_ns or sequence, 0, 0.0, payload, headers + b"\r\n")


def frame(number: int, *, events: int, name: str = "n") -> NatsMessage:
    """A message of one identified frame with so many events without ids."""
    data = envelope_frame(f"batch-{number}", ids=[""] * events, name=name)
    return message(number + 1, (data, f"batch-{number}", False))


def opened(payload: bytes) -> list[Opened]:
    """The envelopes of a payload."""
    reader = EnvelopeReader()
    return [reader.open(piece) for piece in frames_of(payload)]
