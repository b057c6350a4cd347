"""Carries one stream's frames: straight to the log, or by the spool while the log is away.

One message in flight: order is kept, and what arrives during an fsync is joined into the next
message. A message is sent again under the same `Nats-Msg-Id` until it is acknowledged (`duplicate`
is success). One that is not acknowledged in time goes to the spool as it is, and what waits or
arrives behind it follows, until the log has all of it again (`collector.publish.drain`).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from collector.publish.ack_client import Acked, Problem, Wire
from collector.publish.drain import Drain
from collector.publish.frame_queue import Lane, Message, Waiting, join
from collector.spool.record import Key, Record
from collector.spool.resend_policy import Certainty
from collector.spool.spool import Spool
from seamark.service.health import Health
from seamark.wire.failures import Unavailable
from seamark.wire.signals import Signal, stream_name, subject

logger = logging.getLogger(__name__)
_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 1.0
_BEHIND_BYTES: Final = 1024 * 1024
"""With less than this in the spool, and the log there, a frame waits in memory for its turn."""
_TURN_SECONDS: Final = 0.05
_Item = Waiting[asyncio.Future[None]]


class Observer(Protocol):
    """Told what was sent, for own metrics."""

    def sent(self, signal: Signal, frames: int, size: int, seconds: float) -> None:
        """A message was acknowledged."""

    def failed_attempt(self, signal: Signal, reason: str) -> None:
        """A message was not acknowledged and will be sent again, or given up."""


@dataclass(frozen=True, slots=True)
class PublisherContext:
    """What the carriers of all streams share.

    `life` begins the id of every message of this process. `attempt_seconds`: how long one try
    waits for its acknowledgement; `spool_after_seconds`: how long a message is tried before it is
    spooled, where there is a `spool`; `join_bytes`: size up to which frames share a message.
    """

    wire: Wire
    health: Health
    observer: Observer | None
    spool: Spool | None
    life: str
    attempt_seconds: float
    spool_after_seconds: float
    join_bytes: int


class StreamPublisher:
    """One stream's lane at work. Frames put into it are answered by their futures."""

    def __init__(self, key: Key, context: PublisherContext, *, end: int = 0) -> None:
        """`end`: a sequence of the stream before which nothing of ours will be stored."""
        self._key = key
        self._house = context
        self._subject = subject(*key)
        self._lane = Lane[asyncio.Future[None]](context.join_bytes)
        self._messages = 0
        self._certainty = Certainty(acked=end)
        self._drain = None
        if context.spool is not None:
            self._drain = Drain(
                key,
                wire=context.wire,
                spool=context.spool,
                certainty=self._certainty,
                attempt_seconds=context.attempt_seconds,
            )
        self._wake = asyncio.Event()
        self._more = asyncio.Event()
        self._spilling: asyncio.Task[None] | None = None
        self._closing = False
        self._problem: Problem | None = None
        """Why the last try failed; None when it did not."""

    def put(self, item: _Item) -> None:
        """Queue one frame."""
        self._lane.waiting.append(item)
        self._wake.set()
        self._more.set()

    def close(self) -> None:
        """Take care of what waits, then end."""
        self._closing = True
        self._wake.set()
        self._more.set()

    async def run(self) -> None:
        """Send what waits until `close`, or give it to the spool."""
        backoff = _FIRST_BACKOFF
        while True:
            if self._behind():
                self._spill()
                if self._closing:
                    await self._spilled()
                    return
                backoff = await self._drain_one(backoff)
                continue
            if not self._lane.waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = [item for item in self._lane.take() if not item.waiter.done()]
            if taken:  # else their callers went away before anything was sent
                await self._send(taken)

    async def _send(self, items: list[_Item]) -> None:
        """Send one message until it is acknowledged, spooled, or past every deadline."""
        message = self._joined(items)
        deadline = max(item.deadline for item in items)
        started = time.monotonic()
        patience = started + self._house.spool_after_seconds
        backoff = _FIRST_BACKOFF
        unsure = False
        while True:
            spool = self._house.spool if self._can_spool(message) else None
            until = min(deadline, patience) if spool is not None else deadline
            answer = await self._attempt(message, until=until)
            now = time.monotonic()
            if isinstance(answer, Acked):
                if self._house.observer is not None:
                    signal, size = self._key[0], len(message.payload)
                    self._house.observer.sent(signal, message.frames, size, now - started)
                _answer(items, None)
                return
            unsure = unsure or answer.unsure
            if spool is not None and not answer.final and now + backoff >= patience:
                self._give_to_spool(spool, items, message, tried=unsure)
                return
            if answer.final or now + backoff >= deadline:
                name = stream_name(*self._key)
                logger.warning("not acknowledged", extra={"stream": name, "why": answer.text})
                text = f"the log cannot take it: {answer.text}"
                _answer(items, Unavailable(text, retry_after=2.0))
                return
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def _attempt(self, message: Message, *, until: float) -> Acked | Problem:
        seconds = min(self._house.attempt_seconds, max(until - time.monotonic(), 0.01))
        answer = await self._house.wire.attempt(
            self._subject, message.payload, message.headers(), seconds=seconds
        )
        if isinstance(answer, Acked):
            self._certainty.acked = answer.sequence
        self._note(answer if isinstance(answer, Problem) else None)
        return answer

    def _note(self, problem: Problem | None) -> None:
        self._problem = problem
        if problem is None:
            self._house.health.up("log")
            return
        if self._house.observer is not None:
            self._house.observer.failed_attempt(self._key[0], problem.reason)
        self._house.health.down("log", f"the log cannot take it: {problem.text}")

    def _joined(self, items: Sequence[_Item]) -> Message:
        self._messages += 1
        return join(items, f"{self._house.life}.{self._messages}")

    # behind the spool

    def _behind(self) -> bool:
        return self._house.spool is not None and self._house.spool.behind(self._key)

    def _can_spool(self, message: Message) -> bool:
        return self._house.spool is not None and not self._house.spool.problem(len(message.payload))

    async def _drain_one(self, backoff: float) -> float:
        """Give the log one spooled message, or wait for `backoff`; returns the next backoff."""
        if self._drain is None:
            return backoff
        problem = await self._drain.step()
        self._note(problem)
        if problem is None:
            return _FIRST_BACKOFF
        await asyncio.sleep(backoff)
        return min(backoff * 2, _LONGEST_BACKOFF)

    def _spill(self) -> None:
        """See to it that what arrives behind spooled frames is taken care of."""
        if self._spilling is None or self._spilling.done():
            name = f"spill-{self._key[0]}-{self._key[1]}"
            self._spilling = asyncio.create_task(self._spill_waiting(), name=name)

    async def _spilled(self) -> None:
        if self._spilling is not None:
            await asyncio.wait({self._spilling})

    async def _spill_waiting(self) -> None:
        """Move to the spool what waits behind spooled frames, until there are none.

        While the log takes them and few are left, what waits keeps waiting: its turn is near.
        """
        while (spool := self._house.spool) is not None and self._behind():
            if not self._lane.waiting:
                if self._closing:
                    return
                self._more.clear()
                await self._more.wait()
                continue
            near = self._problem is None and spool.backlog_bytes(self._key) < _BEHIND_BYTES
            if near and not self._closing:
                await asyncio.sleep(_TURN_SECONDS)
                continue
            items = [item for item in self._lane.take() if not item.waiter.done()]
            if not items:
                continue
            if self._problem is not None and self._problem.final:
                text = f"the log cannot take it: {self._problem.text}"
                _answer(items, Unavailable(text, retry_after=2.0))
                continue
            written = self._give_to_spool(spool, items, self._joined(items), tried=False)
            if written is not None:  # meanwhile the next ones gather
                await asyncio.wait({written})

    def _give_to_spool(
        self,
        spool: Spool,
        items: list[_Item],
        message: Message,
        *,
        tried: bool,
    ) -> asyncio.Future[None] | None:
        """Answer the callers once the spool has the message, or has refused it."""
        record = Record(
            message_id=message.message_id,
            signal=self._key[0],
            partition=self._key[1],
            payload=message.payload,
            weight=message.weight,
            frames=message.frames,
            floor=self._certainty.acked,
            tried=tried,
            listed=message.listed,
            spooled_ms=time.time_ns() // 1_000_000,
        )
        try:
            written = spool.put(record)
        except Unavailable as failure:
            _answer(items, failure)
            return None
        written.add_done_callback(
            lambda done: _answer(items, done.exception())  # never cancelled: ours alone
        )
        return written


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
