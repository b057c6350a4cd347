"""One feed: asks the store what is new, once for everyone who follows the same, and tells them.

It begins when the first comes and ends when the last has gone. What a follower does not take in
time is not kept without bound: it is counted, and the client gets the count.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.query.log_following import (
    ArrivalRow,
    ArrivedRow,
    Cursor,
    LogTailRequest,
    plan_arrivals,
    plan_arrived,
)
from api.query.log_records import numbered
from api.reasons import QuestionReason
from api.scope import Scope
from api.store import QuestionStore
from api.tail import messages
from api.tail.messages import TailMessage
from api.tail.seen import Seen
from seamark.wire.failures import Rejected, Unavailable

logger = logging.getLogger(__name__)
_WAITING_MESSAGES: Final = 64
_AWAY: Final = "The store does not answer at the moment; what arrives meanwhile is shown later."


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a feed asks, how far it looks back, and how many records it shows in a second."""

    poll_seconds: float
    overlap_seconds: float
    records_per_second: int

    @property
    def overlap_ms(self) -> int:
        """`overlap_seconds` in milliseconds."""
        return round(self.overlap_seconds * 1000)

    @property
    def most(self) -> int:
        """Records shown of one look."""
        return max(round(self.poll_seconds * self.records_per_second), 1)


class Follower:
    """One client of a tail: the messages it has not got yet, up to a limit."""

    def __init__(self) -> None:
        self._messages: deque[TailMessage] = deque()
        self._skipped = 0
        self._there = asyncio.Event()

    def tell(self, message: TailMessage) -> None:
        """Queue a message. Does not block; of records beyond the limit only the number is kept."""
        room = _WAITING_MESSAGES - len(self._messages)
        if room < 2 and not message.last:
            self._skipped += message.records
        else:
            self._say_skipped()
            self._messages.append(message)
        self._there.set()

    async def next(self, seconds: float) -> TailMessage | None:
        """The next message; None when there is none for so long."""
        if not self._messages:
            self._say_skipped()
        if not self._messages:
            self._there.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._there.wait()
            except TimeoutError:
                return None
        return self._messages.popleft()

    def _say_skipped(self) -> None:
        if self._skipped:
            self._messages.append(messages.skipped(self._skipped))
            self._skipped = 0


class TailFeed:
    """What matches one request within one scope."""

    def __init__(
        self,
        store: QuestionStore,
        scope: Scope,
        request: LogTailRequest,
        *,
        pace: Pace,
        clock_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._scope = scope
        self._request = request
        self._pace = pace
        self._clock_ms = clock_ms
        self._seen: Seen | None = None
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.followers: set[Follower] = set()

    async def join(self, follower: Follower, after: Cursor | None) -> None:
        """Send `follower` everything from now on; with `after`, what it has missed first.

        Raises Rejected, Unavailable, StoreFault; the follower has not joined then.
        """
        async with self._looking:
            if self._seen is None:
                self._seen = await self._begun()
            if after is not None:
                for message in await self._lacking(self._seen, after):
                    follower.tell(message)
            follower.tell(messages.heartbeat(self._seen.cursor))
            self.followers.add(follower)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(self._seen), name="log tail")

    @property
    def cursor(self) -> Cursor:
        """How far everyone has been shown."""
        if self._seen is None:
            raise RuntimeError("nobody has joined")
        return self._seen.cursor

    def close(self) -> None:
        """Ask no more. Does not wait: nothing may come between a tail's end and its count."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _begun(self) -> Seen:
        seen = Seen(overlap_ms=self._pace.overlap_ms, now_ms=self._clock_ms())
        seen.begin(await self._arrivals(seen.floor_ms))
        return seen

    async def _lacking(self, seen: Seen, after: Cursor) -> list[TailMessage]:
        rows = await self._arrivals(after.received_ms - self._pace.overlap_ms)
        lacking, missed = seen.since(after, rows)
        most = max(self._pace.most, 1000)
        # of more than may be shown, the newest
        while len(lacking) > 1 and sum(row.records for row in lacking) > most:
            missed += lacking.pop(0).records
        read, passed_over = await self._read(lacking, most)
        told = [messages.skipped(missed + passed_over)] if missed + passed_over else []
        return [*told, *messages.records(read, seen.cursor)] if read else told

    async def _run(self, seen: Seen) -> None:
        """Look, tell, sleep; until there is a failure that will not pass."""
        away = False
        while True:
            await asyncio.sleep(self._pace.poll_seconds)
            try:
                async with self._looking:
                    for message in await self._look(seen):
                        self._tell(message)
                away = False
            except Unavailable:
                if not away:
                    self._tell(messages.waiting(_AWAY))
                away = True
            except Rejected as rejected:
                self._tell(messages.end(rejected.reason.value, rejected.message))
                return
            except Exception:
                logger.exception("log tail failed")
                why = "This failed for a reason of ours; it was logged."
                self._tell(messages.end(QuestionReason.INTERNAL.value, why))
                return

    async def _look(self, seen: Seen) -> Sequence[TailMessage]:
        seen.move(self._clock_ms())
        new = seen.news(await self._arrivals(seen.floor_ms), most=self._pace.most)
        told = []
        skipped = new.skipped
        if new.arrivals:
            read, passed_over = await self._read(new.arrivals, self._pace.most)
            shown = seen.show(new.arrivals, read)
            skipped += passed_over
            told = list(messages.records(shown, seen.cursor)) if shown else []
        # what is passed over lies before what is shown
        return [messages.skipped(skipped), *told] if skipped else told

    async def _arrivals(self, since_ms: int) -> Sequence[ArrivalRow]:
        org, app = self._scope.org, self._scope.app
        statement = plan_arrivals(self._request, org=org, app=app, since_ms=since_ms)
        return (await self._store.ask(statement, ArrivalRow)).rows

    async def _read(
        self, arrivals: Sequence[ArrivalRow], most: int
    ) -> tuple[Sequence[ArrivedRow], int]:
        """The records of these requests, and how many of them could not be shown."""
        if not arrivals:
            return [], 0
        statement = plan_arrived(
            self._request,
            org=self._scope.org,
            app=self._scope.app,
            arrivals=arrivals,
            limit=most,
        )
        expected = sum(row.records for row in arrivals)
        try:
            read = (await self._store.ask(statement, ArrivedRow)).rows
        except Rejected as rejected:
            if rejected.reason is not QuestionReason.TOO_MUCH:
                raise
            return [], expected  # together they are larger than one result may be
        return numbered(read), max(expected - len(read), 0)

    def _tell(self, message: TailMessage) -> None:
        for follower in self.followers:
            follower.tell(message)
