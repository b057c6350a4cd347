"""What every question needs: store, cache, registry, limits, and the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from api.admin.administration import Administration
from api.cache import AnswerCache
from api.checked_store import CheckedStore
from api.damage import DamageReport
from api.exports.exports import Exports
from api.ingest import IngestClient
from api.late_rows import LateRows
from api.log_tail import LogTail
from api.scope import Scope
from api.settings import ApiSettings
from api.source_finder import SourceFinder
from seamark.service.registry import Registry
from seamark.wire.failures import Unavailable


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all questions of a process."""

    store: CheckedStore
    cache: AnswerCache
    registry: Registry
    settings: ApiSettings
    sources: SourceFinder
    late_rows: LateRows
    admin: Administration
    log: LogTail = field(default_factory=lambda: LogTail(partitions=0))
    ingest: IngestClient | None = None
    exports: Exports | None = None
    damage: DamageReport = field(default_factory=DamageReport)
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    async def find(self, scope: Scope, metric: str) -> Literal["events", "metrics"] | None:
        """Where a name lives; what is remembered when the store is away, so that a stale answer
        can be found. Raises what `SourceFinder.find` raises."""
        try:
            return await self.sources.find(scope, metric)
        except Unavailable:
            remembered = self.sources.remembered(scope, metric)
            if remembered is None:
                raise
            return remembered
