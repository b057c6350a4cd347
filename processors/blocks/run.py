"""Carry one stream into one sink: session after session, and what happens between them."""

import asyncio
import logging
import random
from typing import Final

from processors import metrics
from processors.blocks.backoff import backoff_seconds
from processors.blocks.dead_letter_limit import DeadLetterLimitReached, DeadLetterQuota
from processors.blocks.dead_letter_queue import DeadLettersUnavailable
from processors.blocks.dedup.index import DedupIndexUnavailable
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.parts import Parts
from processors.blocks.pause import POLL_SECONDS
from processors.blocks.positions import Fenced, PositionsUnavailable
from processors.blocks.proof import PositionContradicted
from processors.blocks.session import StreamSession
from processors.blocks.session_start import open_session
from processors.blocks.sink import SinkUnavailable
from processors.blocks.stall import StallWatch
from seamark.service.connections import sleep_or_stop
from seamark.wire.log_state import LogRegressed, LogState, check_log
from seamark.wire.positions import position_key
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_LAST_RETRY_SECONDS: Final = 2.0
_WATCH_SECONDS: Final = 5.0


class StreamRunner:
    """The one task that carries one stream. `stop` ends it after the insert in flight."""

    def __init__(self, signal: Signal, stream: str, parts: Parts, stop: asyncio.Event) -> None:
        self._signal = signal
        self._stream = stream
        self._parts = parts
        self._stop = stop
        self._labels = (parts.sink.name, stream)
        self._extra = {"sink": parts.sink.name, "stream": stream}
        self._session: StreamSession | None = None
        self._done: int | None = None  # last sequence known to be in the sink; for the lag only
        self._proven = False  # the record was compared with what the sink has
        self._waits_for_others = False  # paused, or standing by
        self._limiter = DeadLetterQuota(parts.dead_letter_limits)
        self._stall = StallWatch(parts.limits.age_seconds)
        parts.health.expect(stream)

    async def run(self) -> None:
        """Carry until told to stop. Never raises for anything that may pass."""
        watch = asyncio.create_task(self._watch(), name=f"watch {self._stream}")
        stopping = asyncio.create_task(self._wake_on_stop(), name=f"stop {self._stream}")
        pausing = asyncio.create_task(self._end_when_paused(), name=f"pause {self._stream}")
        try:
            failures = 0
            while not self._stop.is_set():
                seconds = await self._one_session(failures)
                failures = failures + 1 if seconds else 0
                if not failures:
                    await self._wait_while_paused()
                await sleep_or_stop(self._stop, seconds)
        finally:
            beside = (watch, stopping, pausing)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _one_session(self, failures: int) -> float:
        """From the record to a failure; returns the seconds to wait before the next."""
        parts, extra = self._parts, self._extra
        try:
            self._session = await open_session(
                self._signal,
                self._stream,
                parts,
                limiter=self._limiter,
                prove=not self._proven,
                stop=self._stop,
            )
            self._proven = True
            metrics.LOG_REGRESSED.labels(*self._labels).set(0)
            parts.health.up(self._stream)
            logger.info("reading", extra=extra | {"after": self._session.state.inserted})
            if await parts.pauses.until_ms():
                self._session.pause()  # it may have a block to finish
            await self._session.run()
        except Fenced:
            metrics.FENCED.labels(*self._labels).inc()
            logger.warning("another reader has this stream; standing by", extra=extra)
            self._waits_for_others = True
            await self._stand_by()
            self._waits_for_others = False
        except LogRegressed as error:
            metrics.LOG_REGRESSED.labels(*self._labels).set(1)
            parts.health.down(self._stream, str(error))
            record = position_key(parts.sink.name, self._stream)
            logger.critical(
                "the log regressed; this stream stops until an operator decides",
                extra=extra | {"error": str(error), "record": record},
            )
            return parts.regressed_seconds
        except PositionContradicted as error:
            metrics.STOPPED.labels(*self._labels).set(1)
            parts.health.down(self._stream, f"stopped: {error}")
            record = position_key(parts.sink.name, self._stream)
            logger.critical(
                "the record and the sink disagree; this stream stops until an operator decides",
                extra=extra | {"error": str(error), "record": record},
            )
            return parts.stopped_seconds
        except DeadLetterLimitReached as error:
            metrics.STOPPED.labels(*self._labels).set(1)
            parts.health.down(self._stream, f"stopped: {error}")
            logger.critical(
                "too many frames are refused; this stream stops until the sink takes them",
                extra=extra | {"error": str(error)},
            )
            return parts.stopped_seconds
        except StreamMissing:
            parts.health.down(self._stream, "stream does not exist")
            if failures == 0:
                logger.warning("stream does not exist; waiting for provisioning", extra=extra)
            return backoff_seconds(failures + 1, last=_LAST_RETRY_SECONDS)
        except (
            LogLost,
            PositionsUnavailable,
            DeadLettersUnavailable,
            DedupIndexUnavailable,
            SinkUnavailable,
        ) as error:
            parts.health.down(self._stream, str(error))
            logger.warning("reading is interrupted", extra=extra | {"error": str(error)})
            return backoff_seconds(failures + 1, last=_LAST_RETRY_SECONDS)
        finally:
            if self._session is not None:
                self._done = self._session.state.inserted
                self._session.reader.close()
                self._session = None
        return 0.0

    async def _stand_by(self) -> None:
        """Return when the rival's record has stood still for a whole random wait, or to stop."""
        key = position_key(self._parts.sink.name, self._stream)
        last: int | None = None
        while not self._stop.is_set():
            try:
                revision = (await self._parts.positions.read(key)).revision
            except PositionsUnavailable:
                revision = None
            if revision is not None and revision == last:
                return
            last = revision
            wait = random.uniform(*self._parts.standby_seconds)  # noqa: S311  # who comes first
            await sleep_or_stop(self._stop, wait)

    async def _end_when_paused(self) -> None:
        """End the session at the next whole block once the sink is paused."""
        while True:
            if await self._parts.pauses.until_ms() and self._session is not None:
                self._session.pause()
            await asyncio.sleep(POLL_SECONDS)

    async def _wait_while_paused(self) -> None:
        """Return when the sink is no longer paused, or to stop. No block is in flight meanwhile."""
        parts = self._parts
        if not await parts.pauses.until_ms():
            return
        logger.info("paused", extra=self._extra | {"after": self._done})
        metrics.PAUSED.labels(*self._labels).set(1)
        parts.health.degrade(f"{self._stream} paused", "the store is being copied")
        self._waits_for_others = True
        while not self._stop.is_set() and await parts.pauses.until_ms():
            await sleep_or_stop(self._stop, POLL_SECONDS)
        self._waits_for_others = False
        metrics.PAUSED.labels(*self._labels).set(0)
        parts.health.degrade(f"{self._stream} paused", "")

    async def _watch(self) -> None:
        """Keep the lag current, and notice a regressed log, whatever the sink does."""
        while True:
            session = self._session
            position = session.state.position if session else None
            try:
                log_state = await self._parts.log.state(self._stream)
                if session is not None and position is not None:
                    check_log(position, log_state)
            except LogRegressed as error:
                if session is not None:
                    session.interrupt(error)
            except (LogLost, StreamMissing):
                pass  # the session notices by itself; the lag stays what it was
            else:
                if self._session is not None:
                    self._done = self._session.state.inserted
                if self._done is not None:
                    metrics.behind(*self._labels, max(0, log_state.last - self._done))
                self._report_stall(log_state)
            await asyncio.sleep(_WATCH_SECONDS)

    def _report_stall(self, log_state: LogState) -> None:
        """Report a stream that does not move; one that is paused or a rival's is not ours to move.

        Called while a session is open, or was until its last failure.
        """
        problem = ""
        if self._done is not None and not self._waits_for_others:
            now = asyncio.get_running_loop().time()
            problem = self._stall.observe(done=self._done, last=log_state.last, now=now)
        self._parts.health.degrade(f"{self._stream} stalled", problem)
        metrics.STALLED.labels(*self._labels).set(bool(problem))

    async def _wake_on_stop(self) -> None:
        await self._stop.wait()
        if self._session is not None:
            self._session.interrupt()
