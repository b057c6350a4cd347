"""From the record to the first failure: execute the steps of `decide`, and nothing else.

One insert is in flight per stream while the reader reads ahead. A session ends by any exception
but the sink's own; the next one starts from the record, which is always enough.
"""

import asyncio
import logging
from typing import Final

from processors import metrics
from processors.blocks import decide
from processors.blocks.arrivals import Arrivals
from processors.blocks.backoff import backoff_seconds
from processors.blocks.dead_letter_limit import DeadLetterLimitReached, DeadLetterQuota
from processors.blocks.decide import (
    Commit,
    MoveToDeadLetters,
    Offer,
    Send,
    State,
    Wait,
)
from processors.blocks.dedup.rewrite import DedupedBlock
from processors.blocks.delivery import Delivery, Stopped
from processors.blocks.log import StreamLogReader
from processors.blocks.parts import Parts
from processors.blocks.positions import Recorded
from processors.blocks.reasons import SinkReason
from processors.blocks.sink import SinkRejected, SinkUnavailable
from seamark.service.connections import sleep_or_stop
from seamark.wire.log_state import LogRegressed
from seamark.wire.positions import Position, position_key
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_LAST_RETRY_SECONDS: Final = 5.0


class StreamSession:
    """One reader, one state, one record. Made by `session_start.open_session`."""

    def __init__(
        self,
        signal: Signal,
        stream: str,
        parts: Parts,
        *,
        recorded: Recorded,
        state: State,
        reader: StreamLogReader,
        limiter: DeadLetterQuota,
        stop: asyncio.Event,
    ) -> None:
        self.state = state
        self.reader = reader
        self.regressed: LogRegressed | None = None
        self._signal = signal
        self._stream = stream
        self._parts = parts
        self._recorded = recorded
        self._limiter = limiter
        self._stop = stop
        self._labels = (parts.sink.name, stream)
        self._extra = {"sink": parts.sink.name, "stream": stream}
        self._now = asyncio.get_running_loop().time
        self._arrivals = Arrivals(parts.sink.name, stream, after=state.inserted)
        self._pausing = False
        self._delivery = Delivery(
            signal,
            stream,
            sink=parts.sink,
            dead_letter_queue=parts.dead_letter_queue,
            index=parts.dedup.of(stream),
            stop=stop,
        )
        metrics.POSITION.labels(*self._labels).set(state.inserted)

    async def run(self) -> None:
        """Carry blocks until told to stop. Raises what ends a session (see `StreamRunner`)."""
        while not self._stop.is_set() and not self._may_pause():
            if self.regressed is not None:
                raise self.regressed
            match self._decide():
                case Wait() as wait:
                    await self.reader.more(wait)
                case Send() | Offer() | MoveToDeadLetters():
                    await self._carry()
                case Commit() as step:
                    await self._record(step.position)
        if self.state.inserted > self.state.position.done:
            end = self.state.inserted
            await self._record(Position(end, end, self.state.position.token))

    def interrupt(self, reason: LogRegressed | None = None) -> None:
        """Look up from whatever is being waited for; with a reason, end."""
        self.regressed = self.regressed or reason
        self.reader.wake()

    def pause(self) -> None:
        """End as soon as no block is on its way, however long that takes; its end is recorded."""
        self._pausing = True
        self.reader.wake()

    def _may_pause(self) -> bool:
        return self._pausing and self.state.inserted >= self.state.position.end

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
        key = position_key(self._parts.sink.name, self._stream)
        self._recorded = await self._parts.positions.write(
            key, position, revision=self._recorded.revision
        )
        self.state = decide.recorded(self.state, position)
        metrics.POSITION_WRITES.labels(*self._labels).inc()

    async def _carry(self) -> None:
        """Take one step until the sink takes it, refuses it, or we are to stop."""
        tries = 0
        while not self._stop.is_set() and self.regressed is None:
            try:
                async with self._parts.slots:
                    await self._step()
                return
            except Stopped:
                return
            except SinkUnavailable as error:
                tries += 1
                if await self._split(error):
                    return
                self._unavailable(error, tries)
            # The slot is free meanwhile: inserts of other streams may succeed.
            await sleep_or_stop(self._stop, backoff_seconds(tries, last=_LAST_RETRY_SECONDS))

    async def _step(self) -> None:
        """Intent, then what it says. Raises SinkUnavailable, Stopped."""
        step = self._decide()  # again: what came while we waited for the slot goes along
        if not isinstance(step, Send | Offer | MoveToDeadLetters):
            return
        position = step.position
        if position != self.state.position:
            if isinstance(step, MoveToDeadLetters):
                await self._check_dead_letters(len(position.frames or ()))
            await self._record(position)
        messages = self.reader.buffer[: step.count if isinstance(step, Send) else 1]
        deduped = await self._delivery.dedup(position, messages)
        match step:
            case Send():
                await self._send(position, deduped)
            case Offer():
                bad = await self._delivery.offer(
                    position.token, deduped.messages[0], skipped=self._skipped
                )
                self.state = decide.offered(self.state, bad, self._now())
                if not bad:
                    self._limiter.reset()
                    self._arrived(deduped)
            case MoveToDeadLetters():
                await self._delivery.dead_letter(position, deduped.messages[0])
                self.state = decide.dead_lettered(self.state, self._now())
                self._limiter.count(dead_letters=len(position.frames or ()), now=self._now())
                self._arrived(deduped)

    async def _check_dead_letters(self, frames: int) -> None:
        problem = self._limiter.problem(frames, now=self._now())
        if problem and not await self._skipped():
            raise DeadLetterLimitReached(problem)

    async def _skipped(self) -> bool:
        """Whether an operator has told to give up a message of the block that is written."""
        told = await self._parts.skips.of(self._stream)
        if told is None or told.sequence > self.state.position.end:
            return False
        for message in self.reader.buffer:
            if message.sequence == told.sequence:
                return message.stored_ns // 1000 == told.stored_us
        return False

    async def _split(self, error: SinkUnavailable) -> bool:
        """Whether the recorded block, which failed, is to be sent in smaller blocks."""
        self.state = decide.failed(self.state, error.reason)
        if not decide.may_be_split(self.state, error.reason, given_up=await self._skipped()):
            return False
        if not await self._delivery.untouched():
            return False
        self._refused(error.reason, str(error))
        return True

    async def _send(self, position: Position, deduped: DedupedBlock) -> None:
        try:
            await self._delivery.write(position.token, deduped.messages)
        except SinkRejected as error:
            self._refused(error.reason, str(error))
        else:
            self.state = decide.inserted(self.state, self._now())
            self._arrived(deduped)

    def _arrived(self, deduped: DedupedBlock) -> None:
        """The recorded block is where it belongs."""
        self.reader.drop(len(deduped.messages))
        self._arrivals.count(deduped)
        self._limiter.count(messages=len(deduped.messages), now=self._now())
        metrics.POSITION.labels(*self._labels).set(self.state.inserted)
        metrics.STOPPED.labels(*self._labels).set(0)
        self._parts.health.up(self._stream)

    def _refused(self, reason: SinkReason, error: str) -> None:
        first = self.state.suspect_end == 0
        self.state = decide.refused(self.state)
        position = self.state.position
        metrics.REFUSED.labels(*self._labels, reason).inc()
        logger.log(
            logging.ERROR if first else logging.DEBUG,  # one line for a search, not one a step
            "the sink does not take a block; it is split to find the cause",
            extra=self._extra
            | {"token": position.token, "sequences": position.end - position.done}
            | {"reason": reason, "error": error[:1000]},
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
