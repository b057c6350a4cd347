"""What a sink is: it takes whole blocks, each under a token; taking one twice changes nothing.

What a sink is given is judged already: a frame that is a client's retry is an envelope that only
counts, and events that stood in the log before are gone (`seen/`). So a sink knows nothing of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from processors.blocks.nats_frames import Message
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Block:
    """The messages of (done, end] that the log still holds, in order; never empty.

    `frame`: of a message that the sink refused as a whole, each frame is a block of its own, under
    the token `<token>/<frame>`; this is its index in the message. None: the messages are whole.
    """

    signal: Signal
    stream: str
    token: str
    messages: Sequence[Message]
    frame: int | None = None

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

    @property
    def notices(self) -> bool:
        """Whether it is given notice of what it refused for good: for every frame one block under
        `<token>/<frame>/notice`, an envelope that only counts. For the sink that keeps the ledger;
        to another one such a frame is only a frame less.
        """

    async def write(self, block: Block) -> None:
        """Take a block, once per token whatever happens; kept on return.

        Raises SinkUnavailable, SinkRefused. May be cancelled at any point.
        """
