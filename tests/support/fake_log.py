"""In-memory doubles of the log, the positions, the dead letters and a sink.

They keep the promises of `processors.blocks.log`, `.positions`, `.dead` and `.sink`, to which
tests/contract holds them and the real ones alike.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from processors.blocks.decide import Wait
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.positions import Fenced, Recorded
from processors.blocks.proof import LastBlock
from processors.blocks.reasons import SinkReason
from processors.blocks.sink import Block, SinkRejected, SinkUnavailable
from seamark.wire.log_state import LogState
from seamark.wire.positions import Position


@dataclass
class FakeStream:
    """Messages by sequence; `last` only grows."""

    messages: dict[int, NatsMessage] = field(default_factory=dict)
    last: int = 0
    created_ns: int = 1

    @property
    def state(self) -> LogState:
        first = min(self.messages, default=self.last + 1)
        return LogState(first, self.last, self.created_ns)


class FakeReader:
    """See `processors.blocks.log.Reader`."""

    def __init__(
        self,
        log: "FakeLog",
        stream: str,
        *,
        after: int,
        buffer_bytes: int,
        since_ns: int = 0,
        headers_only: bool = False,
    ) -> None:
        self.buffer: list[NatsMessage] = []
        self.buffered_bytes = 0
        self.complete = False
        self.problem = ""
        self._log = log
        self._stream = stream
        self._next = after + 1
        self._budget = buffer_bytes
        self._wait: Wait | None = None
        self.changed = asyncio.Event()
        self._target = log.streams[stream].last
        self._headers_only = headers_only
        if since_ns:
            held = log.streams[stream].messages.values()
            later = [one.sequence for one in held if one.stored_ns >= since_ns]
            self._next = min(later, default=self._target + 1)
        self.fill()

    def fill(self) -> None:
        """Take what the stream has, as far as there is room."""
        stream = self._log.streams[self._stream]
        while self._next <= stream.last and self.buffered_bytes < self._budget:
            message = stream.messages.get(self._next)
            if message is not None:
                if self._headers_only:
                    message = msgspec.structs.replace(message, payload=b"")
                self.buffer.append(message)
                self.buffered_bytes += len(message.payload)
            self._next += 1
        if self._next > self._target:
            self.complete = True
        if self._wait is not None and self._satisfied(self._wait):
            self.changed.set()

    def _satisfied(self, wait: Wait) -> bool:
        if wait.sequence:
            return self.complete or bool(self.buffer and self.buffer[-1].sequence >= wait.sequence)
        return bool(self.buffer) and (
            len(self.buffer) >= wait.messages or self.buffered_bytes >= wait.bytes
        )

    async def more(self, wait: Wait) -> None:
        if self.problem:
            raise LogLost(self.problem)
        if self._satisfied(wait):
            return
        self._wait = wait
        self.changed.clear()
        seconds = None
        if wait.until is not None:
            seconds = max(0.0, wait.until - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(seconds):  # wait_for can swallow a cancellation
                await self.changed.wait()
        except TimeoutError:
            pass
        finally:
            self._wait = None
        if self.problem:
            raise LogLost(self.problem)

    def wake(self) -> None:
        self.changed.set()

    def drop(self, count: int) -> None:
        for message in self.buffer[:count]:
            self.buffered_bytes -= len(message.payload)
        del self.buffer[:count]
        self.fill()

    def close(self) -> None:
        if self in self._log.readers:
            self._log.readers.remove(self)


class FakeLog:
    """See `processors.blocks.log.Log`."""

    def __init__(self) -> None:
        self.streams: dict[str, FakeStream] = {}
        self.readers: list[FakeReader] = []

    def add(self, name: str) -> FakeStream:
        """An empty stream."""
        return self.streams.setdefault(name, FakeStream())

    def append(self, name: str, payload: bytes, *, headers: bytes = b"", at_ns: int = 0) -> int:
        """Store a message, at some time after the one before it; returns its sequence."""
        stream = self.streams[name]
        stream.last += 1
        now = asyncio.get_running_loop().time()
        stream.messages[stream.last] = NatsMessage(
            stream.last, at_ns or 10**12 + stream.last, 0, now, payload, headers
        )
        for reader in list(self.readers):
            reader.fill()
        return stream.last

    async def state(self, stream: str) -> LogState:
        if stream not in self.streams:
            raise StreamMissing(stream)
        return self.streams[stream].state

    async def open(
        self,
        stream: str,
        *,
        after: int,
        buffer_bytes: int,
        since_ns: int = 0,
        headers_only: bool = False,
    ) -> FakeReader:
        if stream not in self.streams:
            raise StreamMissing(stream)
        reader = FakeReader(
            self,
            stream,
            after=after,
            buffer_bytes=buffer_bytes,
            since_ns=since_ns,
            headers_only=headers_only,
        )
        self.readers.append(reader)
        return reader

    def lose(self) -> None:
        """Every open reader ends, as when the server is killed."""
        for reader in self.readers:
            reader.problem = "lost"
            reader.changed.set()


class FakePositions:
    """See `processors.blocks.positions.Positions`. `history` has every record ever written."""

    def __init__(self) -> None:
        self.records: dict[str, Recorded] = {}
        self.history: list[tuple[str, Position]] = []
        self._revision = 0

    async def read(self, key: str) -> Recorded:
        await asyncio.sleep(0)
        return self.records.get(key, Recorded(None, 0))

    async def write(self, key: str, position: Position, *, revision: int) -> Recorded:
        await asyncio.sleep(0)
        if self.records.get(key, Recorded(None, 0)).revision != revision:
            raise Fenced(key)
        self._revision += 1
        self.records[key] = Recorded(position, self._revision)
        self.history.append((key, position))
        await asyncio.sleep(0)  # written, but the caller may be gone before it is told
        return self.records[key]


class FakeDeadLetterQueue:
    """See `processors.blocks.dead_letter_queue.DeadLetterQueue`."""

    def __init__(self) -> None:
        self.dead_letters: dict[tuple[str, str, int, int], bytes] = {}

    async def dead_letter(
        self, sink: str, stream: str, piece: NatsMessage, *, frame: int, reason: str
    ) -> None:
        await asyncio.sleep(0)
        self.dead_letters[sink, stream, piece.sequence, frame] = piece.payload
        await asyncio.sleep(0)


class TokenSink:
    """Keeps each token once, counts each payload; refuses blocks with POISON in a payload.

    `outages`: how many of the next writes fail first, for `outage_reason`. `fails`: payloads with
    these bytes in them fail for that reason. `partial`: tokens of which something was written.
    `seconds`: how long a write takes. With `notices` it keeps those by their token, beside the
    payloads.
    """

    name = "test"
    notices = False

    def __init__(self) -> None:
        self.payloads: Counter[bytes] = Counter()
        self.told: dict[str, bytes] = {}
        self.blocks: list[Block] = []
        self.written: list[Block] = []  # notices too
        self.tokens: dict[str, int] = {}
        self.repeats = 0
        self.outages = 0
        self.written_ms = 0
        self.poison = b"POISON"
        self.outage_reason = SinkReason.CONNECTION
        self.fails: Mapping[bytes, SinkReason] = {}
        self.partial: set[str] = set()
        self.seconds = 0.0
        self.running = 0
        self.most_running = 0

    async def write(self, block: Block) -> None:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds)
            if self.outages:
                self.outages -= 1
                raise SinkUnavailable("away", reason=self.outage_reason)
            payloads = [message.payload for message in block.messages]
            if any(self.poison in payload for payload in payloads):
                raise SinkRejected(SinkReason.BYTES, "poison")
            for mark, reason in self.fails.items():
                if any(mark in payload for payload in payloads):
                    raise SinkUnavailable("it fails here", reason=reason)
            if block.token not in self.tokens:
                self.written.append(block)
            if block.token.endswith("/notice"):
                self.told[block.token] = payloads[0]
            elif block.token in self.tokens:
                self.repeats += 1
            else:
                self.tokens[block.token] = len(payloads)
                self.payloads.update(payloads)
                self.blocks.append(block)
            await asyncio.sleep(0)  # taken, but the caller may be gone before it is told
        finally:
            self.running -= 1

    async def untouched(self, block: Block) -> bool:
        return block.token not in self.partial

    async def last_block(self, stream: str) -> LastBlock | None:
        await asyncio.sleep(0)
        of_stream = [block.token for block in self.written if block.stream == stream]
        return LastBlock(of_stream[-1], self.written_ms) if of_stream else None
