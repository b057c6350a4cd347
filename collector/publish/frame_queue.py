"""Frames that wait for one stream, joined into messages. Pure.

A frame is one zstd-compressed envelope; frames joined end to end are one valid message, so what
arrives while the log syncs is sent as one message next. Measured: a message
of 20 frames costs the log 21 µs a frame, 20 single messages 94 µs each, an atomic batch 78 µs.

Frames with an identity (`seamark.wire.frames`) are listed in the message's header, so that the
readers of the log can leave out a client's retry (`processors.blocks`).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from seamark.wire.frames import HEADER, WEIGHT_HEADER, Frame, frames_header

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[W]):
    """A frame and who waits for it. `deadline` is on the caller's clock, in seconds."""

    frame: bytes
    identity: Frame
    weight: int
    deadline: float
    waiter: W


@dataclass(frozen=True, slots=True)
class LogMessage:
    """One message of the log: joined frames, and what its headers say of them.

    `frames_header` is the value of the Seamark-Frames header, "" for none.
    """

    message_id: str
    payload: bytes
    weight: int
    frames: int
    frames_header: str

    def headers(self) -> dict[str, str]:
        """The headers, the id under which the log drops a second copy among them."""
        headers = {"Nats-Msg-Id": self.message_id, WEIGHT_HEADER: str(self.weight)}
        if self.frames_header:
            headers[HEADER] = self.frames_header
        return headers


def join(items: Sequence[Waiting[Any]], message_id: str) -> LogMessage:
    """The message that carries these frames, at least one, in their order."""
    return LogMessage(
        message_id=message_id,
        payload=items[0].frame if len(items) == 1 else b"".join([item.frame for item in items]),
        weight=sum([item.weight for item in items]),
        frames=len(items),
        frames_header=frames_header([item.identity for item in items]) or "",
    )


@dataclass(slots=True)
class FrameQueue(Generic[W]):
    """Frames waiting for one stream, first in first out."""

    join_bytes: int
    waiting: deque[Waiting[W]] = field(default_factory=deque)

    def take(self) -> list[Waiting[W]]:
        """Remove and return the frames of the next message: at least one, up to `join_bytes`."""
        taken = [self.waiting.popleft()]
        size = len(taken[0].frame)
        while self.waiting and size + len(self.waiting[0].frame) <= self.join_bytes:
            taken.append(self.waiting.popleft())
            size += len(taken[-1].frame)
        return taken
