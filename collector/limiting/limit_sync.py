"""Brings tokens and counts from Redis to the limiter, in the background, ten times a second.

No request waits for it. A call that fails, or is late, means that Redis is away: from then on each
collector grants a share of every limit by itself, and probes Redis once a second with a lease that
no tenant has. What a failed call had booked may be booked twice: the tenant then gets so much less,
once.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from collector.admission.limits.bucket import TICK_SECONDS, Ask, Grant
from collector.admission.limits.limiter import Limiter
from collector.admission.limits.month_use import is_month, set_name
from collector.admission.limits.totals import Totals
from collector.limiting.shared_limits import Away
from collector.limiting.totals_file import TotalsFile
from collector.periodic_check import PeriodicCheck
from collector.shedding.log_shares import LogShares
from seamark.service.health import Health

logger = logging.getLogger(__name__)
PART: Final = "limits"
_IDLE_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.01
"""Between two ticks, however often the limiter asks for one."""
_TOTALS_SECONDS: Final = 1.0
_LOG_SECONDS: Final = 1.0
_PROBE_SECONDS: Final = 1.0
_FILE_SECONDS: Final = 10.0
_MONTH_KEEP_SECONDS: Final = 40 * 86400.0


class SyncObserver(Protocol):
    """Own metrics of the sync."""

    def redis_away(self, away: bool) -> None:
        """Whether limits are local now."""


class Shared(Protocol):
    """Where limits are shared (`shared_limits.SharedLimits`). Each call raises Away."""

    async def lease(self, asks: Sequence[Ask]) -> list[Grant]:
        """A grant for each."""

    async def merge(
        self, name: str, fields: Mapping[str, int], *, keep_seconds: float
    ) -> dict[str, int]:
        """Send counts; returns all that is known of the set."""

    async def probe(self) -> None:
        """Check that a lease would work."""

    async def close(self) -> None:
        """Close the connections."""


def month_of(seconds: float) -> str:
    """The calendar month (UTC) of a time since the epoch: 2026-12."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m")


class LimitSync:
    """Leases for the buckets of a limiter, and merges `totals`.

    `share`: of every limit, what this process grants by itself while Redis is away.
    """

    def __init__(
        self,
        limiter: Limiter,
        totals: Totals,
        shared: Shared,
        *,
        share: float,
        log_shares: LogShares,
        health: Health,
        file: TotalsFile | None = None,
        observer: SyncObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._limiter = limiter
        self._totals = totals
        self._shared = shared
        self._share = share
        self._log_shares = log_shares
        self._health = health
        self._file = file
        self._observer = observer
        self._clock = clock
        self._epoch = epoch
        self._ticks = PeriodicCheck(self._check, self._seconds, name="limits")
        limiter.wake = self._ticks.soon
        self._away = False
        self._written: dict[str, dict[str, int]] = {}
        self._ticked = self._probe_at = self._totals_at = self._log_at = clock()
        self._file_at = clock() + _FILE_SECONDS

    async def start(self) -> None:
        """Read the file, then lease and merge in the background."""
        if self._file is not None:
            self._totals.load(await asyncio.to_thread(self._file.read))
        await self._ticks.start()

    async def stop(self) -> None:
        """Stop, and send the last counts to Redis and the file."""
        await self._ticks.stop()
        try:
            if not self._away:
                await self._merge_months()
                await self._merge_logs()
        except Away:
            logger.info("the last counts of limits did not reach Redis")
        await self._write()
        await self._shared.close()

    def _seconds(self) -> float:
        """Until the next tick: at random, so that no collector is always the first to lease."""
        if not self._limiter.buckets:
            return _IDLE_SECONDS
        return TICK_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311  # jitter, no secret

    async def _check(self) -> None:
        await self.tick()
        await asyncio.sleep(_LEAST_SECONDS)

    async def tick(self) -> None:
        """Lease and merge what is due now. Does not raise."""
        now = self._clock()
        seconds, self._ticked = now - self._ticked, now
        logs_due = now >= self._log_at
        if logs_due:
            self._log_at = now + _LOG_SECONDS
            self._log_shares.refresh(self._epoch())
        self._limiter.months.begin(month_of(self._epoch()))
        try:
            if self._away:
                await self._by_itself(now, seconds)
            else:
                await self._lease()
                if now >= self._totals_at:
                    self._totals_at = now + _TOTALS_SECONDS
                    await self._merge_months()
                if logs_due:
                    await self._merge_logs()
        except Away as error:
            self._lost(now, str(error))
        except Exception as error:  # a bug of ours: limits go on, by themselves
            logger.exception("limits not shared")
            self._lost(now, repr(error))
        if now >= self._file_at:
            self._file_at = now + _FILE_SECONDS
            await self._write()

    async def _by_itself(self, now: float, seconds: float) -> None:
        for bucket in self._limiter.buckets.values():
            bucket.refill(seconds, share=self._share)
        if now >= self._probe_at:
            self._probe_at = now + _PROBE_SECONDS
            await self._shared.probe()
            self._found()

    async def _lease(self) -> None:
        buckets = list(self._limiter.buckets.values())
        asked = [(bucket, ask) for bucket in buckets if (ask := bucket.ask()) is not None]
        if asked:
            grants = await self._shared.lease([ask for _, ask in asked])
            for (bucket, ask), grant in zip(asked, grants, strict=True):
                bucket.settle(ask, grant)
        self._limiter.forget_unused()

    async def _merge_months(self) -> None:
        month = set_name(month_of(self._epoch()))
        for name, found in list(self._totals.sets.items()):
            if not is_month(name):
                continue
            if name != month and not found.changed:
                del self._totals.sets[name]  # a month that is over, and that Redis has
            elif found.fields:
                await self._merge(name, _MONTH_KEEP_SECONDS)

    async def _merge_logs(self) -> None:
        if self._log_shares.active:
            use = self._log_shares.use
            for name in use.due(self._log_shares.streams):
                await self._merge(name, use.keep_seconds)
                use.was_read(name)

    async def _merge(self, name: str, keep_seconds: float) -> None:
        found = self._totals.set(name)
        changed = {field: found.fields[field] for field in found.changed}
        found.merge(await self._shared.merge(name, changed, keep_seconds=keep_seconds))

    async def _write(self) -> None:
        if self._file is None or (counts := self._totals.dump()) == self._written:
            return
        try:
            await asyncio.to_thread(self._file.write, counts)
            self._written = counts
        except OSError as error:
            logger.warning("counts of limits not written", extra={"error": str(error)})

    def _lost(self, now: float, error: str) -> None:
        if not self._away:
            logger.warning("Redis away, limits are local", extra={"error": error})
        self._away, self._probe_at = True, now + _PROBE_SECONDS
        self._tell(
            f"Redis does not answer: this process grants {self._share:.0%} of every limit by itself"
        )

    def _found(self) -> None:
        self._away = False
        self._totals_at = 0.0
        logger.info("Redis is back, limits are shared")
        self._tell("")

    def _tell(self, problem: str) -> None:
        self._limiter.months.away(self._away)
        self._health.degrade(PART, problem)
        if self._observer is not None:
            self._observer.redis_away(self._away)
