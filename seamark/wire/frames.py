"""Which frames of a log message can be told apart, and leaving some out.

The header `Seamark-Frames` lists `<length>[:<receipt>]` for every frame of a message that holds at
least one identified frame (one whose batch carried a `batchId`). Messages without the header are
never opened.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

HEADER: Final = "Seamark-Frames"
SIZE_HEADER: Final = "Seamark-Size"
"""Bytes of a message once inflated. What a block costs the store in memory goes by this, not by its
compressed size: a few MB of a sender's repetitions would otherwise be gigabytes there."""
DUPLICATE_WINDOW_NS: Final = 600 * 1_000_000_000
"""How far back, by the log's clock, a receipt is recognised. Every sink must use the same, or rows
and archive would disagree about what is a duplicate; so this is a constant, not a setting."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame's length in bytes, and its receipt ("" when it is anonymous)."""

    length: int
    receipt: str


def parse_frames(header: str) -> list[Frame]:
    """The frames named in a header. Raises ValueError on anything else."""
    frames = []
    for entry in header.split(","):
        length, _, receipt = entry.partition(":")
        frames.append(Frame(int(length), receipt))
    return frames


def without(payload: bytes, frames: list[Frame], dropped: Container[int]) -> bytes:
    """`payload` without the frames whose index is in `dropped`.

    Raises ValueError when the lengths do not add up to the payload.
    """
    if sum(frame.length for frame in frames) != len(payload):
        raise ValueError(
            f"frames of {sum(frame.length for frame in frames)} bytes in a message of "
            f"{len(payload)} bytes"
        )
    kept = []
    start = 0
    for index, frame in enumerate(frames):
        if index not in dropped:
            kept.append(payload[start : start + frame.length])
        start += frame.length
    return b"".join(kept)
