"""Answers cached in Redis, and equal questions run once.

Without Redis there is no cache, never an error, and no wait for each question either: after a
failure Redis is not used for `AWAY_SECONDS`. Each answer is cached twice: under its exact question
for as long as it is fresh, and under the question's shape for when the store is away.
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
class CachePolicy:
    """Keys of an answer, and for how long each serves it, in seconds; 0: not at all.

    `keep` False: what is produced is not kept, since it is known to lack rows.
    """

    key: str
    fresh_seconds: float
    stale_key: str
    stale_seconds: float
    keep: bool = True


@dataclass(frozen=True, slots=True)
class CachedBody:
    """A body, where it came from, and whether it may be out of date."""

    body: bytes
    cache: CacheUse
    stale: bool = False


class AnswerCache:
    """Looks answers up, produces each once for equal questions at one time, and caches them."""

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

    async def answer(
        self, policy: CachePolicy | None, produce: Callable[[], Awaitable[bytes]]
    ) -> CachedBody:
        """The cached answer, or what `produce` gives; `policy` None uses neither cache nor flights.

        Raises what `produce` raises; Unavailable only when no stale answer is cached either.
        """
        if policy is None:
            self._metrics.cache.labels("off").inc()
            return CachedBody(await produce(), "off")
        if policy.key in self.flights:
            self._metrics.cache.labels("shared").inc()
            return await self.flights[policy.key].join(first=False)
        flight = _Flight(
            self._lookup(policy, produce), ended=lambda: self.flights.pop(policy.key, None)
        )
        self.flights[policy.key] = flight
        return await flight.join(first=True)

    async def _lookup(
        self, policy: CachePolicy, produce: Callable[[], Awaitable[bytes]]
    ) -> CachedBody:
        body = await self._get(policy.key) if policy.fresh_seconds else None
        if body is not None:
            self._metrics.cache.labels("hit").inc()
            return CachedBody(body, "hit")
        try:
            body = await produce()
        except Unavailable:
            body = await self._get(policy.stale_key) if policy.stale_seconds else None
            if body is None:
                raise
            self._metrics.cache.labels("stale").inc()
            return CachedBody(body, "hit", stale=True)
        self._metrics.cache.labels("off" if self.away else "miss").inc()
        if policy.keep and len(body) <= _MAX_BODY_BYTES:
            await self._put(policy.key, body, policy.fresh_seconds)
            await self._put(policy.stale_key, body, policy.stale_seconds)
        return CachedBody(body, "off" if self.away else "miss")

    async def probe(self) -> bool:
        """Whether Redis answers; never raises."""
        await self._get(_PREFIX + "probe")
        return not self.away

    @property
    def away(self) -> bool:
        """Whether Redis is not used, after a failure."""
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
    """One production that several requests wait for. It is cancelled when the last one is.

    `ended` is called as soon as no request may join any more, which is before the task is done
    when it is cancelled.
    """

    def __init__(
        self, work: Coroutine[object, object, CachedBody], *, ended: Callable[[], object]
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

    async def join(self, *, first: bool) -> CachedBody:
        """Wait for the answer; for all but the first request it counts as a hit."""
        self.waiting += 1
        try:
            cached = await asyncio.shield(self._task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self._task.done():
                self._close()
                self._task.cancel()
        return (
            cached
            if first or cached.cache == "off"
            else CachedBody(cached.body, "hit", cached.stale)
        )
