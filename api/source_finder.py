"""Where a metric name lives: looked up in the store, remembered for a minute once found."""

import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from api.query.rollup_lookup import plan_metric_source
from api.scope import Scope
from api.store import QuestionStore

_REMEMBERED_SECONDS: Final = 60.0
_MOST_REMEMBERED: Final = 20_000


class _Found(msgspec.Struct, array_like=True):
    source: Literal["events", "metrics"]


class SourceFinder:
    """Remembers sources of names per scope. A name not found is looked up again each time."""

    def __init__(
        self, store: QuestionStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[Scope, str], tuple[float, Literal["events", "metrics"]]] = {}

    async def find(self, scope: Scope, metric: str) -> Literal["events", "metrics"] | None:
        """`events` if there is an event of that name, else `metrics`, else None.

        Raises what `QuestionStore.ask` raises; a remembered source serves while it is away.
        """
        known = self._known.get((scope, metric))
        if known is not None and known[0] > self._clock():
            return known[1]
        found = await self._store.ask(
            plan_metric_source(metric, org=scope.org, app=scope.app), _Found
        )
        sources = {row.source for row in found.rows}
        if not sources:
            return None
        source: Literal["events", "metrics"] = "events" if "events" in sources else "metrics"
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[scope, metric] = (self._clock() + _REMEMBERED_SECONDS, source)
        return source

    def remembered(self, scope: Scope, metric: str) -> Literal["events", "metrics"] | None:
        """The source found last, however long ago: for when the store is away."""
        known = self._known.get((scope, metric))
        return known[1] if known else None
