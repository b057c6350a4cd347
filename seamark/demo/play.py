"""Plays visits: as history, as fast as the stack takes them, or live at a rate.

A visit is placed by its beginning. What has already happened is sent at once with the times it
happened at (`sentAt` and `ts` by the same clock), as a browser does that was offline; what has
not is waited for.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from seamark.demo.batches import encode_batch
from seamark.demo.deliver import DemoDelivery
from seamark.demo.services import Services
from seamark.demo.visits import Visit, make_visit

MEAN_EVENTS: Final = 22
"""Events of an average visit, to turn a rate of events into one of visits."""
SESSIONS_PER_HOUR: Final = 120
"""Visits that make an hour of history, unless told otherwise."""
LONGEST_VISIT_MS: Final = 15 * 60_000
"""No visit is longer: what a question's range has to reach back."""
HOUR_MS: Final = 3_600_000
_AT_ONCE: Final = 16
_FLUSH_EVERY: Final = 100
_FLUSH_SECONDS: Final = 5.0
_UNDER_WAY_SECONDS: Final = 60.0
_PUNCTUAL_MS: Final = 50
"""A visit that begins now may be looked at a moment later."""


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """How much to play. `rate` in events per second, 0 = as fast as the stack takes them.

    `sessions` and `duration_seconds` None: without end. With `backfill_hours`, `sessions` are
    history, and nothing live follows unless there is a duration too.
    """

    seed: int
    rate: float
    sessions: int | None = None
    duration_seconds: float | None = None
    backfill_hours: float = 0.0

    @property
    def history(self) -> int:
        """How many visits are written into the past."""
        if not self.backfill_hours:
            return 0
        if self.sessions is not None:
            return self.sessions
        return max(1, round(self.backfill_hours * SESSIONS_PER_HOUR))

    def beginning_ms(self, number: int, now_ms: int) -> int:
        """When visit `number` of the history began: evenly spread, the last one over by now."""
        span_ms = self.backfill_hours * HOUR_MS
        return now_ms - LONGEST_VISIT_MS - round(span_ms * (1 - number / max(1, self.history)))


class Shop:
    """Plays a plan. `run` makes batchIds, sessions and traces of this run its own."""

    def __init__(
        self,
        delivery: DemoDelivery,
        services: Services,
        *,
        run: str,
        app: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._delivery = delivery
        self._services = services
        self._run = run
        self._app = app
        self._now_ms = now_ms
        self._exporting = asyncio.Lock()
        self.visits = 0

    async def play(self, plan: VisitPlan, stop: asyncio.Event) -> None:
        """History first, then live, until the plan is done or `stop` is set.

        A duration counts from the end of the history, and ends by setting `stop`. Returns when
        every batch that was begun has its answer.
        """
        history = plan.history
        now_ms = self._now_ms()
        if history:
            await self._at_once(
                range(history),
                lambda n: make_visit(plan.seed, n, position=n / history, run=self._run),
                lambda visit: plan.beginning_ms(visit.number, now_ms),
                stop,
                live=False,
            )
        if not history or plan.sessions is None or plan.duration_seconds is not None:
            if plan.duration_seconds is not None:
                asyncio.get_running_loop().call_later(plan.duration_seconds, stop.set)
            wanted = None if history else plan.sessions
            numbers = itertools.islice(itertools.count(history), wanted)
            if plan.rate:
                await self._live(plan, numbers, stop)
            else:
                await self._at_once(
                    numbers,
                    lambda n: make_visit(plan.seed, n, run=self._run),
                    lambda visit: self._now_ms() - visit.length_ms,
                    stop,
                    live=True,
                )
        await self._flush()

    async def _at_once(
        self,
        numbers: Iterable[int],
        make: Callable[[int], Visit],
        beginning_ms: Callable[[Visit], int],
        stop: asyncio.Event,
        *,
        live: bool,
    ) -> None:
        """Visits that are already over, several at a time."""
        waiting = iter(numbers)

        async def worker() -> None:
            for number in waiting:
                if stop.is_set():
                    return
                visit = make(number)
                start_ms = beginning_ms(visit)
                for index in range(len(visit.pages)):
                    await self._page(visit, index, start_ms, live=live)
                self.visits += 1
                if self.visits % _FLUSH_EVERY == 0:
                    await self._flush()

        async with asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(worker())

    async def _live(self, plan: VisitPlan, numbers: Iterable[int], stop: asyncio.Event) -> None:
        """Visits that begin at the plan's rate and last as long as real ones.

        Without a number of sessions, those of the last minute are under way already, and the rate
        is there from the first second; what they did before is not sent.
        """
        loop = asyncio.get_running_loop()
        begins = loop.time() - (0.0 if plan.sessions is not None else _UNDER_WAY_SECONDS)
        flusher = asyncio.create_task(self._keep_flushing())
        try:
            async with asyncio.TaskGroup() as visits:
                for number in numbers:
                    if await _stopped_within(stop, begins - loop.time()):
                        break
                    start_ms = self._now_ms() + round((begins - loop.time()) * 1000)
                    begins += MEAN_EVENTS / plan.rate
                    visit = make_visit(plan.seed, number, run=self._run)
                    visits.create_task(self._visit(visit, start_ms, stop))
        finally:
            flusher.cancel()
            await asyncio.gather(flusher, return_exceptions=True)

    async def _visit(self, visit: Visit, start_ms: int, stop: asyncio.Event) -> None:
        under_way_ms = self._now_ms() - start_ms
        for index, page in enumerate(visit.pages):
            if page.until_ms < under_way_ms - _PUNCTUAL_MS:
                continue
            wait_ms = start_ms + page.until_ms - self._now_ms()
            if await _stopped_within(stop, wait_ms / 1000):
                return
            await self._page(visit, index, start_ms, live=True)
        self.visits += 1

    async def _page(self, visit: Visit, index: int, start_ms: int, *, live: bool) -> None:
        page = visit.pages[index]
        at_ns = (start_ms + page.call.offset_ms) * 1_000_000
        self._services.serve(visit, index, call=page.call, at_ns=at_ns, live=live)
        body = encode_batch(
            visit,
            page,
            batch_id=f"{self._run}-{visit.number}-{index}",
            app=self._app,
            start_ms=start_ms,
            sent_ms=self._now_ms(),
        )
        await self._delivery.send(visit, page, body)

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        async with self._exporting:
            await asyncio.to_thread(self._services.flush)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, at most `seconds`; True as soon as `stop` is set."""
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
