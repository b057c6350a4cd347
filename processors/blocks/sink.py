"""What a sink is: it takes whole blocks, each under a token; taking one twice changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from processors.blocks.nats_frames import Message
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Block:
    """The messages of (done, end] that the log still holds, in order; never empty."""

    signal: Signal
    stream: str
    token: str
    messages: Sequence[Message]

    @property
    def size_bytes(self) -> int:
        """Compressed bytes of all payloads."""
        return sum(len(message.payload) for message in self.messages)


class SinkUnavailable(Exception):
    """The block may be sent again, with the same token. `reason` is a short metric label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SinkRefused(Exception):
    """These bytes will never be taken, and nothing of them was. `reason` as above."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Sink(Protocol):
    """Somewhere blocks go."""

    @property
    def name(self) -> str:
        """Part of the position's key and of every metric; never changes."""

    async def write(self, block: Block) -> None:
        """Take a block, once per token whatever happens; kept on return.

        Raises SinkUnavailable, SinkRefused. May be cancelled at any point.
        """
