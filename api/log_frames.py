"""Looking into one message of the log for a receipt. Pure, and bounded in what it inflates."""

from dataclasses import dataclass
from typing import Final

import zstandard

from seamark.wire.envelope import Outcome
from seamark.wire.frames import cut, parse_frames
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope
from seamark.wire.receipts import PART
from seamark.wire.zstd_frames import frames_of

MOST_INFLATED: Final = 16 * 1024 * 1024
"""Of one message. A frame that says it is larger than what is left is not opened."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An envelope with the receipt that was looked for."""

    org: str
    app: str
    received_ms: int
    outcome: Outcome


def carries(frames_header: str, payload: bytes, *, receipt: str) -> list[Carried]:
    """The envelopes of a message that have `receipt`.

    `frames_header`: its `Seamark-Frames`, or "". Frames it gives another receipt stay closed; what
    cannot be read is passed over, because it is not this receipt's as far as anyone can tell.
    """
    reader = EnvelopeReader()
    found: list[Carried] = []
    room = MOST_INFLATED
    for frame in _candidates(frames_header, payload, receipt):
        try:
            size = zstandard.frame_content_size(frame)
        except zstandard.ZstdError:
            continue
        if not 0 <= size <= room:
            continue
        room -= size
        try:
            opened = reader.open(frame)
            if opened.receipt == receipt:
                received_ms = opened.received_ns // 1_000_000
                found.append(Carried(opened.org, opened.app, received_ms, opened.outcome))
        except UnreadableEnvelope:
            continue
    return found


def _candidates(frames_header: str, payload: bytes, receipt: str) -> list[bytes]:
    if frames_header:
        try:
            named = parse_frames(frames_header)
            pieces = cut(payload, named)
        except ValueError:
            return frames_of(payload)
        return [
            piece
            for piece, frame in zip(pieces, named, strict=True)
            if frame.receipt in ("", receipt) or frame.receipt.startswith(PART)
        ]
    return frames_of(payload)
