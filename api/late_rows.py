"""Whether an answer about a past range may still be cached: what was stored late into the range.

An event may arrive days after it happened. The store records into which hours rows were stored
late (`late_rows`), and a cached answer is looked up under the time of the last such storing in its
range, so an answer that was made before late rows were stored is not found any more. A reading is
shared for as long as a live answer is cached, by all questions about one range.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.query.late_rows import LateRow, SignalName, plan_late_rows
from api.query.timerange import MINUTE_MS, TimeRange
from api.store import QuestionStore

LIVE_MS: Final = 3 * MINUTE_MS
"""A range that ends later than this before now may change by rows that are not late."""
SETTLE_MS: Final = 2 * MINUTE_MS
"""So long after rows were stored late, some of their insert may not be seen yet."""
_MOST_READINGS: Final = 2_000
_Key = tuple[str, str, tuple[SignalName, ...], TimeRange]


@dataclass(frozen=True, slots=True)
class _Reading:
    task: "asyncio.Task[LateRow]"
    until: float


def is_live(to_ms: int, now_ms: int) -> bool:
    """Whether an answer that reaches up to `to_ms` may change by rows that are not late."""
    return to_ms > now_ms - LIVE_MS


class LateRows:
    """Reads `late_rows`, at most once in `shared_seconds` for a range and scope."""

    def __init__(
        self,
        store: QuestionStore,
        *,
        shared_seconds: float,
        settle_ms: int = SETTLE_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._shared_seconds = shared_seconds
        self._settle_ms = settle_ms
        self._clock = clock
        self._readings: dict[_Key, _Reading] = {}

    async def last_stored_ms(
        self, range_: TimeRange, signals: Sequence[SignalName], *, org: str, app: str
    ) -> int | None:
        """When rows of these signals (none named: of any) were last stored late into the range.

        0: never. None: so recently that some of them may not be seen yet. Raises what
        `QuestionStore.ask` raises.
        """
        key = (org, app, tuple(signals), range_)
        reading = self._readings.get(key)
        if reading is None or reading.until <= self._clock():
            if len(self._readings) >= _MOST_READINGS:
                self._readings.clear()
            reading = _Reading(
                asyncio.create_task(self._read(key), name="late-rows"),
                self._clock() + self._shared_seconds,
            )
            self._readings[key] = reading
        try:
            row = await asyncio.shield(reading.task)
        except BaseException:
            self._readings.pop(key, None)
            raise
        return None if row.stored_ms > row.now_ms - self._settle_ms else row.stored_ms

    async def _read(self, key: _Key) -> LateRow:
        org, app, signals, range_ = key
        found = await self._store.ask(plan_late_rows(range_, signals, org=org, app=app), LateRow)
        return found.rows[0]
