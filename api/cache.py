"""Answers kept in Redis, and equal questions asked once.

Redis away means no cache, never an error, and not a wait for each question either: after a failure
it is left alone for `AWAY_SECONDS`. Each answer is kept twice: under its exact question for as long
as it counts as fresh, and under the question's shape for when the store is away.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final, Literal

import redis.asyncio
import redis.exceptions

from api.own_metrics import OwnMetrics
from seamark.wire.failures import Unavailable

logger = logging.getLogger(__name__)
AWAY_SECONDS: Final = 5.0
_PREFIX: Final = "seamark:answer:1:"
_MAX_BODY_BYTES: Final = 4 * 1024 * 1024
CacheUse = Literal["hit", "miss", "off"]


def cache_key(*parts: object) -> str:
    """A key of fixed length from whatever makes two questions equal; scope among it."""
    return _PREFIX + hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Keep:
    """Under what, and for how long, an answer is kept. A time of 0 means not at all."""

    key: str
    fresh_seconds: float
    stale_key: str
    stale_seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """A body, where it came from, and whether it may be out of date."""

    body: bytes
    cache: CacheUse
    stale: bool = False


class AnswerCache:
    """Looks answers up, produces them once for all who ask at the same time, keeps them."""

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        *,
        metrics: OwnMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = client
        self._metrics = metrics
        self._clock = clock
        self._away_until = 0.0
        self.flights: dict[str, _Flight] = {}

    async def answer(self, keep: Keep | None, produce: Callable[[], Awaitable[bytes]]) -> Kept:
        """The kept answer, or what `produce` gives; `keep` None asks neither cache nor others.

        Raises what `produce` raises; Unavailable only when no stale answer is kept either.
        """
        if keep is None:
            self._metrics.cache.labels("off").inc()
            return Kept(await produce(), "off")
        if keep.key in self.flights:
            self._metrics.cache.labels("shared").inc()
            return await self.flights[keep.key].join(first=False)
        flight = _Flight(
            self._lookup(keep, produce), ended=lambda: self.flights.pop(keep.key, None)
        )
        self.flights[keep.key] = flight
        return await flight.join(first=True)

    async def _lookup(self, keep: Keep, produce: Callable[[], Awaitable[bytes]]) -> Kept:
        body = await self._get(keep.key) if keep.fresh_seconds else None
        if body is not None:
            self._metrics.cache.labels("hit").inc()
            return Kept(body, "hit")
        try:
            body = await produce()
        except Unavailable:
            body = await self._get(keep.stale_key) if keep.stale_seconds else None
            if body is None:
                raise
            self._metrics.cache.labels("stale").inc()
            return Kept(body, "hit", stale=True)
        self._metrics.cache.labels("off" if self.away else "miss").inc()
        if len(body) <= _MAX_BODY_BYTES:
            await self._put(keep.key, body, keep.fresh_seconds)
            await self._put(keep.stale_key, body, keep.stale_seconds)
        return Kept(body, "off" if self.away else "miss")

    async def probe(self) -> bool:
        """Whether Redis answers; never raises."""
        await self._get(_PREFIX + "probe")
        return not self.away

    @property
    def away(self) -> bool:
        """True while Redis is left alone after a failure."""
        return self._clock() < self._away_until

    async def _get(self, key: str) -> bytes | None:
        if self.away:
            return None
        try:
            body = await self._redis.get(key)
        except (redis.exceptions.RedisError, OSError) as error:
            self._failed(error)
            return None
        self._metrics.cache_away.set(0)
        return body if isinstance(body, bytes) else None

    async def _put(self, key: str, body: bytes, seconds: float) -> None:
        if self.away or not seconds:
            return
        try:
            await self._redis.set(key, body, px=max(int(seconds * 1000), 1))
        except (redis.exceptions.RedisError, OSError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._away_until = self._clock() + AWAY_SECONDS
        self._metrics.cache_away.set(1)
        logger.warning("answer cache away", extra={"error": repr(error)})


class _Flight:
    """One production that several askers wait for. It ends when the last of them has gone.

    `ended` is called as soon as nobody may join any more, which is before the task is done when
    it is cancelled.
    """

    def __init__(
        self, work: Coroutine[object, object, Kept], *, ended: Callable[[], object]
    ) -> None:
        self._task = asyncio.create_task(work, name="answer")
        self._task.add_done_callback(lambda _: self._close())
        self._ended = ended
        self._open = True
        self.waiting = 0

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._ended()

    async def join(self, *, first: bool) -> Kept:
        """Wait for the answer; one that somebody else asked for first counts as a hit."""
        self.waiting += 1
        try:
            kept = await asyncio.shield(self._task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self._task.done():
                self._close()
                self._task.cancel()
        return kept if first or kept.cache == "off" else Kept(kept.body, "hit", kept.stale)
