"""What a log of streams promises to its readers. `jetstream.py` has the real one.

Everything after a sequence, in order, as it was stored, nothing acknowledged.
"""

from typing import Protocol

from processors.blocks.decide import Wait
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.log_state import LogState


class LogLost(Exception):
    """Reading has ended, for a reason that passes: open again."""


class StreamMissing(Exception):
    """There is no such stream (yet)."""


class StreamLogReader(Protocol):
    """What was read and not yet dropped, in order of sequence."""

    buffer: list[NatsMessage]
    buffered_bytes: int
    complete: bool
    """Everything that was in the stream when the reader was opened has come."""

    async def more(self, wait: Wait) -> None:
        """Return when what `wait` asks for is there, its time has come, or earlier.

        Raises LogLost.
        """

    def wake(self) -> None:
        """Make `more` return."""

    def drop(self, count: int) -> None:
        """Forget the first `count` messages, making room."""

    def close(self) -> None:
        """Stop reading. Never blocks."""


class StreamLog(Protocol):
    """Where streams are read."""

    async def state(self, stream: str) -> LogState:
        """Raises StreamMissing, LogLost."""

    async def open(
        self,
        stream: str,
        *,
        after: int,
        buffer_bytes: int,
        since_ns: int = 0,
        headers_only: bool = False,
    ) -> StreamLogReader:
        """Read everything with a sequence above `after`; with `headers_only` payloads are b"".

        `since_ns`: what the log stored at that time or later instead, whatever its sequence; some
        of up to a second before may come too. Raises StreamMissing, LogLost.
        """
