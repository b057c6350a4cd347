"""Publishes one stream's frames: straight to the log, or by the spool while the log is away.

`next_action` decides, `StreamPublisher` does it, in one loop. What arrives during an fsync of the
log is joined into the next message. A message is sent again under the same `Nats-Msg-Id` until it
is acknowledged (`duplicate` is success).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.publish.ack_client import AckClient
from collector.publish.drain import Drain
from collector.publish.frame_queue import FrameQueue, LogMessage, Waiting, join
from collector.publish.next_action import (
    FIRST_BACKOFF_SECONDS,
    LAST_BACKOFF_SECONDS,
    Attempt,
    DrainSpool,
    FailPending,
    FailQueued,
    Pending,
    SpoolPending,
    SpoolQueued,
    Stop,
    StreamState,
    TakeMessage,
    WaitForFrames,
    next_action,
)
from collector.publish.result import Problem
from collector.spool.record import Key, SpoolRecord
from collector.spool.resend_policy import ResendPolicy
from collector.spool.spool import Spool
from seamark.service.health import Health
from seamark.wire.failures import Unavailable
from seamark.wire.signals import Signal, stream_name, subject

logger = logging.getLogger(__name__)
_Item = Waiting[asyncio.Future[None]]


class PublishObserver(Protocol):
    """Told what was sent, for the collector's own metrics."""

    def sent(self, signal: Signal, frames: int, size: int, seconds: float) -> None:
        """A message was acknowledged."""

    def failed_attempt(self, signal: Signal, reason: str) -> None:
        """A message was not acknowledged and will be sent again, or given up."""


@dataclass(frozen=True, slots=True)
class PublisherContext:
    """What the publishers of all streams share.

    `publisher_id` begins the id of every message of this process. `attempt_seconds`: how long one
    attempt waits for its acknowledgement; `spool_after_seconds`: how long a message is attempted
    before it is spooled, where there is a `spool`; `join_bytes`: up to which size frames share a
    message.
    """

    ack_client: AckClient
    health: Health
    observer: PublishObserver | None
    spool: Spool | None
    publisher_id: str
    attempt_seconds: float
    spool_after_seconds: float
    join_bytes: int


class StreamPublisher:
    """The publisher of one stream. Frames put into it are answered by their futures."""

    def __init__(self, key: Key, context: PublisherContext, *, end: int = 0) -> None:
        """`end`: a sequence of the stream before which nothing of ours will be stored."""
        self._key = key
        self._context = context
        self._subject = subject(*key)
        self._queue = FrameQueue[asyncio.Future[None]](context.join_bytes)
        self._messages = 0
        self._resend_policy = ResendPolicy(acked=end)
        self._drain = None
        if context.spool is not None:
            self._drain = Drain(
                key,
                ack_client=context.ack_client,
                spool=context.spool,
                resend_policy=self._resend_policy,
                attempt_seconds=context.attempt_seconds,
            )
        self._wake = asyncio.Event()
        self._closing = False
        self._problem: Problem | None = None
        self._pending: tuple[Pending, LogMessage, list[_Item], float] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._drain_at = 0.0
        self._drain_backoff = FIRST_BACKOFF_SECONDS
        self._spooling: asyncio.Future[None] | None = None

    def put(self, item: _Item) -> None:
        """Queue one frame."""
        self._queue.waiting.append(item)
        self._wake.set()

    def close(self) -> None:
        """Send or spool what waits, then end."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Send what waits until `close`, or give it to the spool."""
        try:
            while True:
                self._wake.clear()
                match next_action(self._state()):
                    case WaitForFrames(until):
                        await self._wait(until)
                    case TakeMessage():
                        self._take()
                    case Attempt(until):
                        await self._attempt(until)
                    case SpoolPending():
                        self._spool_pending()
                    case FailPending(problem):
                        self._fail_pending(problem)
                    case SpoolQueued():
                        self._spool_queued()
                    case FailQueued(problem):
                        _answer(self._queue.take(), _not_taken(problem))
                    case DrainSpool():
                        self._draining = asyncio.create_task(self._drain_one())
                    case Stop():
                        return
        finally:
            if self._draining is not None:
                self._draining.cancel()

    def _state(self) -> StreamState:
        spool = self._context.spool
        has_backlog = spool is not None and spool.has_backlog(self._key)
        pending = self._pending
        return StreamState(
            now=time.monotonic(),
            closing=self._closing,
            queued=bool(self._queue.waiting),
            pending=pending[0] if pending else None,
            can_spool=pending is not None
            and spool is not None
            and not spool.problem(len(pending[1].payload)),
            has_backlog=has_backlog,
            backlog_bytes=spool.backlog_bytes(self._key) if spool and has_backlog else 0,
            draining=self._draining is not None,
            spooling=self._spooling is not None,
            problem=self._problem,
            drain_at=self._drain_at,
        )

    async def _wait(self, until: float | None) -> None:
        try:
            async with asyncio.timeout(None if until is None else until - time.monotonic()):
                await self._wake.wait()
        except TimeoutError:
            pass

    # straight to the log

    def _take(self) -> None:
        items = [item for item in self._queue.take() if not item.waiter.done()]
        if not items:
            return  # their callers went away before anything was sent
        started = time.monotonic()
        pending = Pending(
            spool_at=started + self._context.spool_after_seconds,
            deadline=max(item.deadline for item in items),
        )
        self._pending = pending, self._joined(items), items, started

    async def _attempt(self, until: float) -> None:
        if self._pending is None:
            return
        pending, message, items, started = self._pending
        answer = await self._context.ack_client.attempt(
            self._subject,
            message.payload,
            message.headers(),
            seconds=min(self._context.attempt_seconds, max(until - time.monotonic(), 0.01)),
        )
        now = time.monotonic()
        if isinstance(answer, Problem):
            self._record_problem(answer)
            self._pending = pending.failed(answer, now=now), message, items, started
            return
        self._pending = None
        self._resend_policy.acked = answer.sequence
        self._record_problem(None)
        if self._context.observer is not None:
            size = len(message.payload)
            self._context.observer.sent(self._key[0], message.frames, size, now - started)
        _answer(items, None)

    def _fail_pending(self, problem: Problem) -> None:
        if self._pending is None:
            return
        _, _, items, _ = self._pending
        self._pending = None
        extra = {"stream": stream_name(*self._key), "error": problem.text}
        logger.warning("not acknowledged", extra=extra)
        _answer(items, _not_taken(problem))

    def _joined(self, items: Sequence[_Item]) -> LogMessage:
        self._messages += 1
        return join(items, f"{self._context.publisher_id}.{self._messages}")

    def _record_problem(self, problem: Problem | None) -> None:
        self._problem = problem
        if problem is None:
            self._context.health.up("log")
            return
        if self._context.observer is not None:
            self._context.observer.failed_attempt(self._key[0], problem.reason)
        self._context.health.down("log", f"the log cannot take it: {problem.text}")

    # by the spool

    async def _drain_one(self) -> None:
        """Give the log one spooled message; after a problem the next one waits longer."""
        try:
            problem = await self._drain.step() if self._drain is not None else None
            self._record_problem(problem)
            self._drain_at = 0.0
            backoff = self._drain_backoff
            self._drain_backoff = FIRST_BACKOFF_SECONDS
            if problem is not None:
                self._drain_at = time.monotonic() + backoff
                self._drain_backoff = min(2 * backoff, LAST_BACKOFF_SECONDS)
        finally:
            self._draining = None
            self._wake.set()

    def _spool_pending(self) -> None:
        if self._pending is None:
            return
        pending, message, items, _ = self._pending
        self._pending = None
        self._spool(items, message, tried=pending.indeterminate)

    def _spool_queued(self) -> None:
        items = [item for item in self._queue.take() if not item.waiter.done()]
        if items:
            self._spooling = self._spool(items, self._joined(items), tried=False)

    def _spool(
        self, items: list[_Item], message: LogMessage, *, tried: bool
    ) -> asyncio.Future[None] | None:
        """Answer the callers once the spool has the message, or has refused it."""
        if self._context.spool is None:
            return None
        record = SpoolRecord(
            message_id=message.message_id,
            signal=self._key[0],
            partition=self._key[1],
            payload=message.payload,
            weight=message.weight,
            frames=message.frames,
            floor=self._resend_policy.acked,
            tried=tried,
            frames_header=message.frames_header,
            spooled_ms=time.time_ns() // 1_000_000,
        )
        try:
            written = self._context.spool.put(record)
        except Unavailable as failure:
            _answer(items, failure)
            return None

        def done(future: asyncio.Future[None]) -> None:
            _answer(items, future.exception())  # never cancelled: only this has the future
            if self._spooling is future:
                self._spooling = None
            self._wake.set()

        written.add_done_callback(done)
        return written


def _not_taken(problem: Problem) -> Unavailable:
    return Unavailable(f"the log cannot take it: {problem.text}", retry_after=2.0)


def _answer(items: Sequence[_Item], failure: BaseException | None) -> None:
    """Tell the callers: durable, or an Unavailable of each one's own."""
    for item in items:
        if item.waiter.done():
            continue
        if failure is None:
            item.waiter.set_result(None)
        elif isinstance(failure, Unavailable):
            item.waiter.set_exception(Unavailable(failure.message, retry_after=failure.retry_after))
        else:
            item.waiter.set_exception(failure)
