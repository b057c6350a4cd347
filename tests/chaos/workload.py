"""Clients that send until they are answered, over every protocol, and send again on purpose.

Most batches are identified by a `batchId`; some carry events with ids of their own, which come
again in other batches; some have no id at all; some are OTLP; some hold bad events; some have a
bad key. What was asked and answered stands in the oracle, which the store is compared with.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.chaos.bodies import Body, bad_events, native, native_events, otlp, worth
from tests.chaos.oracle import Asked, Kind, Oracle

PAUSE_SECONDS = 0.2
LAST_ANSWERS_SECONDS = 120.0
"""How long the last requests may take to be accepted once every fault is healed."""
_KINDS = (
    (Kind.IDENTIFIED, 55),
    (Kind.OWN_IDS, 12),
    (Kind.ANONYMOUS, 10),
    (Kind.SPANS, 8),
    (Kind.POINTS, 6),
    (Kind.LOGS, 6),
    (Kind.BAD_KEY, 3),
)
_RETRIED = {408, 429, 502, 503, 504}
"""What a client sends again. A 500 is a fault of ours: it is sent again, and reported."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How much is sent: requests a second in all, items in a request, and how late re-sends are."""

    rate: float = 40.0
    items: int = 40
    workers: int = 24
    resend_share: float = 0.1
    resend_seconds: float = 5.0
    late_share: float = 0.02
    late_seconds: float = 150.0
    """Longer than the log itself remembers a message."""
    without: frozenset[Kind] = frozenset()
    """Kinds of requests that are not sent."""


@dataclass(order=True, slots=True)
class _Again:
    due: float
    asked: Asked = field(compare=False)
    body: Body = field(compare=False)


class Clients:
    """`mix.workers` clients, each sending one request after the other."""

    def __init__(self, url: str, key: str, *, seed: str, mix: Mix | None = None) -> None:
        self.oracle = Oracle()
        self._url = url
        self._key = key
        self._seed = seed
        self._mix = mix or Mix()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, str] = {}

    def start(self) -> None:
        """Start sending."""
        self._tasks = [asyncio.create_task(self._work(n)) for n in range(self._mix.workers)]

    def failed(self) -> None:
        """Raise what a client stumbled over, if one did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> Oracle:
        """Stop making new requests, and wait until every one under way is answered.

        Raises TimeoutError naming those that are not.
        """
        self._stop.set()
        done, waiting = await asyncio.wait(self._tasks, timeout=LAST_ANSWERS_SECONDS)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for task in done:
            task.result()
        if waiting:
            names = ", ".join(self._waiting.values())
            raise TimeoutError(f"not answered {LAST_ANSWERS_SECONDS:.0f} s after the end: {names}")
        return self.oracle

    async def _work(self, worker: int) -> None:
        chance = random.Random(f"{self._seed}/{worker}")
        mix, number = self._mix, 0
        again: deque[_Again] = deque()
        late: deque[_Again] = deque()
        async with self._session() as session:
            while not self._stop.is_set():
                number += 1
                for asked, body in self._requests(chance, worker, number):
                    await self._send(session, worker, asked, body)
                    draw = chance.random()
                    if draw < mix.resend_share:
                        delay = chance.uniform(0, mix.resend_seconds)
                        again.append(_Again(time.monotonic() + delay, asked, body))
                    elif draw < mix.resend_share + mix.late_share:
                        late.append(_Again(time.monotonic() + mix.late_seconds, asked, body))
                for queue in (again, late):
                    while queue and queue[0].due < time.monotonic():
                        await self._again(session, worker, queue.popleft())
                await asyncio.sleep(chance.uniform(0, 2 * mix.workers / mix.rate))
            for left in (*again, *late):
                await self._again(session, worker, left)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield session

    def _requests(
        self, chance: random.Random, worker: int, number: int
    ) -> list[tuple[Asked, Body]]:
        """The next request of a client; with ids of their own, the same events in two batches."""
        wanted = [pair for pair in _KINDS if pair[0] not in self._mix.without]
        kinds, weights = zip(*wanted, strict=True)
        kind: Kind = chance.choices(kinds, weights)[0]
        name = f"{kind}-{worker}-{number}"
        count = chance.randint(1, self._mix.items)
        asked = self.oracle.add(Asked(name, kind, items=count, total=0.0))
        if kind in (Kind.SPANS, Kind.POINTS, Kind.LOGS):
            return [(asked, otlp(chance, asked))]
        events = native_events(chance, name, count=count, own_ids=kind is Kind.OWN_IDS)
        asked.total = worth(events)
        if kind is Kind.OWN_IDS:
            first = native(events, batch_id=chance.choice(("", f"{self._seed}-{name}-a")))
            other = native(events[::-1], batch_id=chance.choice(("", f"{self._seed}-{name}-b")))
            return [(asked, first), (asked, other)][: chance.randint(1, 2)]
        if kind is Kind.IDENTIFIED and chance.random() < 0.15:
            asked.bad = chance.randint(1, 3)
            events += bad_events(chance, name, count=asked.bad)
        batch_id = f"{self._seed}-{name}" if kind is Kind.IDENTIFIED else ""
        return [(asked, native(events, batch_id=batch_id))]

    async def _again(self, session: aiohttp.ClientSession, worker: int, again: _Again) -> None:
        if again.asked.kind in (Kind.IDENTIFIED, Kind.OWN_IDS):  # others it would double
            await self._send(session, worker, again.asked, again.body)

    async def _send(
        self, session: aiohttp.ClientSession, worker: int, asked: Asked, body: Body
    ) -> None:
        """Send until it is answered for good."""
        key = "smk_nobody_has_this_key" if asked.kind is Kind.BAD_KEY else self._key
        headers = {"X-API-Key": key, "Content-Type": body.media_type}
        self._waiting[worker] = asked.name
        asked.first_sent = asked.first_sent or time.monotonic()
        while True:
            asked.attempts += 1
            status, text = await _answer(session, self._url + body.path, body.content, headers)
            self.oracle.statuses[status] += 1
            if self._settled(asked, status, text):
                self._waiting.pop(worker, None)
                return
            await asyncio.sleep(PAUSE_SECONDS)

    def _settled(self, asked: Asked, status: int, text: bytes) -> bool:
        """Take one answer; whether it is the last word."""
        if status == 0 or status in _RETRIED:
            return False
        surprise = _TAKERS[asked.kind](asked, status, text)
        if surprise:
            self.oracle.surprises.append(f"{asked.name}: {surprise}")
        return status != 500


async def _answer(
    session: aiohttp.ClientSession, url: str, content: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Status and body; status 0 when it was refused, cut off or silent."""
    try:
        async with session.post(url, data=content, headers=headers) as answer:
            return answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0, b""


def _take_native(asked: Asked, status: int, text: bytes) -> str:
    if status != 202:
        return f"status {status}: {text[:300]!r}"
    reply = json.loads(text)
    asked.accepted += 1
    asked.receipts.add(str(reply["receiptId"]))
    if (reply["accepted"], reply["rejected"]) != (asked.items, asked.bad):
        return f"{asked.items} good and {asked.bad} bad events were answered {text[:300]!r}"
    return ""


def _take_otlp(asked: Asked, status: int, text: bytes) -> str:
    if status != 200 or text:
        return f"status {status}: {text[:300]!r}"
    asked.accepted += 1
    return ""


def _take_bad_key(asked: Asked, status: int, text: bytes) -> str:
    return "" if status == 401 else f"a bad key was answered {status}: {text[:300]!r}"


_TAKERS: dict[Kind, Callable[[Asked, int, bytes], str]] = {
    **dict.fromkeys((Kind.IDENTIFIED, Kind.OWN_IDS, Kind.ANONYMOUS), _take_native),
    **dict.fromkeys((Kind.SPANS, Kind.POINTS, Kind.LOGS), _take_otlp),
    Kind.BAD_KEY: _take_bad_key,
}
