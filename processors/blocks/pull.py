"""The reader of one stream through one feed: pull requests out, messages into a bounded buffer.

One pull request is outstanding while the buffer has room, so memory is bounded by `buffer_bytes`
plus one message, and a message is here about a millisecond after it is stored.
"""

import asyncio
from typing import Final

import msgspec

from processors.blocks.decide import Wait
from processors.blocks.feed import LogFeed
from processors.blocks.log import LogLost
from processors.blocks.nats_frames import NatsMessage, NatsStatus

MESSAGE_OVERHEAD_BYTES: Final = 512
"""What a buffered message costs beside its payload."""
_EXPIRES_NS: Final = 30_000_000_000
_HEARTBEAT_NS: Final = 5_000_000_000
_SILENCE_SECONDS: Final = 12.0
"""A pull request that brings not even heartbeats for so long has been forgotten."""
_BATCH: Final = 10_000
_EXPIRED: Final = 408
_AGAIN: Final = ("Message Size Exceeds MaxBytes", "Batch Completed")


class LogReader:
    """The reader of one stream, through one feed."""

    def __init__(self, stream: str, *, buffer_bytes: int) -> None:
        self._stream = stream
        self.buffer: list[NatsMessage] = []
        self.buffered_bytes = 0
        self.complete = False
        self._budget = buffer_bytes
        self._loop = asyncio.get_running_loop()
        self._last = 0
        self._expected = 0  # messages that were stored when we opened and have not come
        self._asked = 0  # messages the outstanding pull request may still bring
        self._heard = self._loop.time()
        self._wait: Wait | None = None
        self._changed = asyncio.Event()
        self._problem = ""
        self._feed: LogFeed | None = None
        self._subject = ""
        self._max_payload = 0

    def start(self, feed: LogFeed, *, consumer: str, after: int, pending: int) -> None:
        """Begin to pull from `consumer`, which starts behind `after` with `pending` messages."""
        self._feed = feed
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer}"
        self._max_payload = feed.info.result().max_payload
        self._last = after
        self._expected = pending
        self.complete = pending == 0
        feed.lost.add_done_callback(lambda lost: self._fail(lost.result()))
        self._pull()

    def deliver(self, frames: list[NatsMessage | NatsStatus]) -> None:
        """Take what the feed brings."""
        self._heard = self._loop.time()
        buffer = self.buffer
        for frame in frames:
            if isinstance(frame, NatsMessage):
                if frame.sequence <= self._last:
                    self._fail(f"sequence {frame.sequence} came after {self._last}")
                    return
                self._last = frame.sequence
                buffer.append(frame)
                self.buffered_bytes += len(frame.payload) + MESSAGE_OVERHEAD_BYTES
                self._asked -= 1
                self._expected -= 1
                if frame.pending == 0 or self._expected <= 0:
                    self.complete = True
            else:
                self._status(frame)
        self._pull()
        wait = self._wait
        if wait is not None and buffer and self._satisfied(wait):
            self._changed.set()

    async def more(self, wait: Wait) -> None:
        """See `Reader.more`."""
        self._check()
        if self.buffer and self._satisfied(wait):
            return
        now = self._loop.time()
        limit = _SILENCE_SECONDS / 2
        if wait.until is not None:
            limit = min(limit, wait.until - now)
        self._wait = wait
        self._changed.clear()
        handle = self._loop.call_later(max(0.0, limit), self._changed.set)
        try:
            await self._changed.wait()
        finally:
            handle.cancel()
            self._wait = None
        if self._asked > 0 and self._loop.time() - self._heard > _SILENCE_SECONDS:
            self._fail("no heartbeat")
        self._check()

    def wake(self) -> None:
        """See `Reader.wake`."""
        self._changed.set()

    def drop(self, count: int) -> None:
        """See `Reader.drop`."""
        for message in self.buffer[:count]:
            self.buffered_bytes -= len(message.payload) + MESSAGE_OVERHEAD_BYTES
        del self.buffer[:count]
        self._pull()

    def close(self) -> None:
        """See `Reader.close`."""
        if self._feed is not None:
            self._feed.close()

    def _satisfied(self, wait: Wait) -> bool:
        if wait.sequence:
            return self.complete or self.buffer[-1].sequence >= wait.sequence
        return len(self.buffer) >= wait.messages or self.buffered_bytes >= wait.bytes

    def _status(self, status: NatsStatus) -> None:
        if status.code == 100:
            return
        self._asked = 0
        if status.code == _EXPIRED:
            self.complete = True  # a whole pull went by, and what was there has come
        elif status.text not in _AGAIN:
            self._fail(f"{status.code} {status.text}")

    def _pull(self) -> None:
        room = self._budget - self.buffered_bytes
        if self._asked > 0 or self._problem or self._feed is None or room < self._budget // 4:
            return
        self._asked = _BATCH
        # Room for the largest message there can be, or the server would refuse to send it.
        most = max(room, self._max_payload + 4096)
        self._feed.request(
            self._subject,
            msgspec.json.encode(
                {
                    "batch": _BATCH,
                    "max_bytes": most,
                    "expires": _EXPIRES_NS,
                    "idle_heartbeat": _HEARTBEAT_NS,
                }
            ),
        )

    def _fail(self, problem: str) -> None:
        self._problem = self._problem or problem
        self._changed.set()

    def _check(self) -> None:
        if self._problem:
            raise LogLost(self._problem)
