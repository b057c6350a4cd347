"""From the record to the first failure: do what `decide` says, and nothing else.

One insert is in flight per stream while the reader reads ahead. A session ends by any exception
but the sink's own; the next one starts from the record, which is always enough.
"""

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import Final

from processors import metrics
from processors.blocks import decide
from processors.blocks.dead import Grave
from processors.blocks.decide import Bury, Commit, Limits, LogWentBack, Position, Send, State, Wait
from processors.blocks.log import Log, Reader
from processors.blocks.positions import Held, Positions
from processors.blocks.sink import Block, Sink, SinkRefused, SinkUnavailable
from seamark.service.connections import sleep_or_stop
from seamark.service.health import Health
from seamark.wire.frames import DUPLICATE_WINDOW_NS
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_FIRST_RETRY_SECONDS: Final = 0.1
_LAST_RETRY_SECONDS: Final = 5.0
_FINISH_SECONDS: Final = 5.0
"""How long an insert in flight may take once we are told to stop."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the streams of a process share. `slots` bounds the inserts in flight."""

    log: Log
    positions: Positions
    grave: Grave
    sink: Sink
    slots: asyncio.Semaphore
    health: Health
    limits: Limits
    buffer_bytes: int
    standby_seconds: tuple[float, float] = (1.0, 3.0)
    went_back_seconds: float = 30.0


class Session:
    """One reader, one state, one held record. Made by `open_session`."""

    def __init__(
        self,
        signal: Signal,
        stream: str,
        parts: Parts,
        *,
        held: Held,
        state: State,
        reader: Reader,
        stop: asyncio.Event,
    ) -> None:
        self.state = state
        self.reader = reader
        self.went_back: LogWentBack | None = None
        self._signal = signal
        self._stream = stream
        self._parts = parts
        self._held = held
        self._stop = stop
        self._labels = (parts.sink.name, stream)
        self._extra = {"sink": parts.sink.name, "stream": stream}
        self._now = asyncio.get_running_loop().time
        self._seen = state.inserted  # sequence up to which gaps have been counted
        self._refusal = ""
        metrics.POSITION.labels(*self._labels).set(state.inserted)

    async def run(self) -> None:
        """Carry blocks until told to stop. Raises what ends a session (see `StreamRunner`)."""
        while not self._stop.is_set():
            if self.went_back is not None:
                raise self.went_back
            match self._decide():
                case Wait() as wait:
                    await self.reader.more(wait)
                case Send():
                    await self._send()
                case Bury() as step:
                    await self._bury(step)
                case Commit() as step:
                    await self._record(step.position)
        if self.state.inserted > self.state.position.done:
            end = self.state.inserted
            await self._record(Position(end, end, self.state.position.token))

    def interrupt(self, reason: LogWentBack | None = None) -> None:
        """Look up from whatever is being waited for; with a reason, end."""
        self.went_back = self.went_back or reason
        self.reader.wake()

    def _decide(self) -> decide.Step:
        return decide.next_step(
            self.state,
            self.reader.buffer,
            buffered_bytes=self.reader.buffered_bytes,
            complete=self.reader.complete,
            limits=self._parts.limits,
            now=self._now(),
        )

    async def _record(self, position: Position) -> None:
        """Write the record; from here on it is what a crash would leave."""
        key = f"{self._parts.sink.name}.{self._stream}"
        self._held = await self._parts.positions.write(key, position, revision=self._held.revision)
        self.state = decide.recorded(self.state, position)
        metrics.POSITION_WRITES.labels(*self._labels).inc()

    async def _send(self) -> None:
        """Send one block until the sink takes it, refuses it, or we are to stop."""
        tries = 0
        while not self._stop.is_set() and self.went_back is None:
            try:
                async with self._parts.slots:
                    await self._send_once()
                return
            except SinkUnavailable as error:
                tries += 1
                self._unavailable(error, tries)
            # The slot is free meanwhile: another table's inserts may be going well.
            await sleep_or_stop(self._stop, backoff_seconds(tries, last=_LAST_RETRY_SECONDS))

    async def _send_once(self) -> None:
        """Intent, then insert. Raises SinkUnavailable."""
        step = self._decide()  # again: what came while we waited for the slot goes along
        if not isinstance(step, Send):
            return
        if step.position != self.state.position:
            await self._record(step.position)
        messages = self.reader.buffer[: step.count]
        block = Block(self._signal, self._stream, step.position.token, messages)
        started = self._now()
        try:
            if await self._insert(block):
                self._inserted(block)
        except SinkRefused as error:
            self._refused(block, error)
        finally:
            metrics.INSERT_SECONDS.labels(self._parts.sink.name).observe(self._now() - started)

    async def _insert(self, block: Block) -> bool:
        """One try; False: we are to stop, and it was not finished in time."""
        if block.size_bytes == 0:
            return True  # all of it was retries
        task = asyncio.create_task(self._parts.sink.write(block))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=_FINISH_SECONDS)
            if task.done():
                await task
                return True
            return False
        finally:
            for leftover in (task, stopping):
                leftover.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)

    def _inserted(self, block: Block) -> None:
        self.state = decide.inserted(self.state, self._now())
        self._count_gaps(block)
        self.reader.drop(len(block.messages))
        metrics.INSERTS.labels(*self._labels).inc()
        metrics.BLOCK_MESSAGES.labels(self._parts.sink.name).observe(len(block.messages))
        metrics.BLOCK_BYTES.labels(self._parts.sink.name).observe(block.size_bytes)
        metrics.POSITION.labels(*self._labels).set(self.state.inserted)
        self._parts.health.up(self._stream)

    def _refused(self, block: Block, error: SinkRefused) -> None:
        first = self.state.suspect_end == 0
        self.state = decide.refused(self.state)
        self._refusal = f"{error.reason}: {error}"[:1000]
        metrics.REFUSED.labels(*self._labels, error.reason).inc()
        logger.log(
            logging.ERROR if first else logging.DEBUG,  # the halves are the same story
            "the sink refuses a block; looking for the message at fault",
            extra=self._extra
            | {"token": block.token, "messages": len(block.messages), "reason": self._refusal},
        )

    def _unavailable(self, error: SinkUnavailable, tries: int) -> None:
        metrics.RETRIES.labels(*self._labels, error.reason).inc()
        self._parts.health.down(self._stream, f"{error.reason}: {error}"[:500])
        if tries & (tries - 1) == 0:  # 1, 2, 4, 8 …: an outage is not a flood of lines
            logger.warning(
                "the sink is unavailable; trying again with the same token",
                extra=self._extra
                | {"token": self.state.position.token, "tries": tries}
                | {"reason": error.reason, "error": str(error)[:500]},
            )

    async def _bury(self, step: Bury) -> None:
        message = self.reader.buffer[0]
        await self._parts.grave.bury(
            self._parts.sink.name, self._stream, message, reason=self._refusal
        )
        metrics.BURIED.labels(*self._labels).inc()
        logger.error(
            "a message went to the dead letters",
            extra=self._extra | {"sequence": message.sequence, "reason": self._refusal},
        )
        self.state = decide.buried(self.state, self._now())
        self._seen = step.position.end
        self.reader.drop(1)

    def _count_gaps(self, block: Block) -> None:
        """Sequences the log never delivered. JetStream skips corrupt messages silently."""
        first, last = self._seen + 1, block.messages[-1].sequence
        missing = last - first + 1 - len(block.messages)
        self._seen = last
        if missing > 0:
            metrics.GAPS.labels(*self._labels).inc(missing)
            logger.error(
                "messages are missing from the log",
                extra=self._extra | {"missing": missing, "from": first, "to": last},
            )


async def open_session(
    signal: Signal, stream: str, parts: Parts, *, stop: asyncio.Event
) -> Session:
    """Read the record, check the log against it, and open a reader behind it.

    Raises LogWentBack, StreamMissing, LogLost, PositionsUnavailable.
    """
    held = await parts.positions.read(f"{parts.sink.name}.{stream}")
    log_state = await parts.log.state(stream)
    state = decide.resume(stream, held.position, log_state)
    metrics.LAG.labels(parts.sink.name, stream).set(log_state.last - state.inserted)
    reader = await parts.log.open(
        stream,
        after=state.inserted,
        remember_ns=max(0, state.position.first_ns - DUPLICATE_WINDOW_NS),
        buffer_bytes=parts.buffer_bytes,
    )
    return Session(signal, stream, parts, held=held, state=state, reader=reader, stop=stop)


def backoff_seconds(tries: int, *, last: float) -> float:
    """How long to wait after the `tries`-th failure: doubling up to `last`, half of it random."""
    ceiling = min(last, _FIRST_RETRY_SECONDS * 2.0 ** min(tries - 1, 16))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
