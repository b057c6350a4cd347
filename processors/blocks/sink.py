"""What a sink is: it takes whole blocks, each under a token; taking one twice changes nothing.

Duplicates are removed before (`dedup/`): a frame that is a client's retry is an envelope that only
counts, and events that stood in the log before are gone. So a sink knows nothing of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from processors.blocks.nats_frames import NatsMessage
from processors.blocks.proof import LastBlock
from processors.blocks.reasons import SinkReason
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Block:
    """The messages of (done, end] that the log still holds, in order; never empty.

    `frame`: of a message that the sink rejected as a whole, each frame is a block of its own, under
    the token `<token>/<frame>`; this is its index in the message. None: the messages are whole.
    """

    signal: Signal
    stream: str
    token: str
    messages: Sequence[NatsMessage]
    frame: int | None = None

    @property
    def size_bytes(self) -> int:
        """Compressed bytes of all payloads."""
        return sum(len(message.payload) for message in self.messages)


class SinkRejected(Rejected[SinkReason]):
    """These bytes will never be taken, and nothing of the block was written."""


class SinkUnavailable(Unavailable[SinkReason]):
    """The block may be sent again, with the same token. `reason` says whether it is the cause."""


class Sink(Protocol):
    """Somewhere blocks go."""

    @property
    def name(self) -> str:
        """Part of the position's key and of every metric; never changes."""

    @property
    def notices(self) -> bool:
        """Whether it is given notice of each dead-lettered frame: one block under
        `<token>/<frame>/notice`, an envelope that only counts. For sinks that keep the ledger; to
        another one such a frame is only a frame less.
        """

    async def write(self, block: Block) -> None:
        """Write a block, once per token whatever happens; durable on return.

        Raises SinkRejected, SinkUnavailable. May be cancelled at any point.
        """

    async def untouched(self, block: Block) -> bool:
        """Whether a block whose `write` failed has left nothing behind, as far as can be told.

        Only then may its messages be sent in other blocks. Raises SinkUnavailable.
        """

    async def last_block(self, stream: str) -> LastBlock | None:
        """The stream's last block that the sink has any of; None: it has none.

        Raises SinkUnavailable.
        """
