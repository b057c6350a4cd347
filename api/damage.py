"""What the store has lost, and which answers that concerns.

The store finds damage itself and keeps it in `damaged_parts`, which is read every few seconds. An
answer that reads a damaged table at a time of lost rows says `truncated: "damaged"`, and is not
cached; once they were repaired, answers from before are not found any more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.query.damaged_parts import DamagedPart, plan_damaged_parts
from api.query.late_rows import READ_BEFORE_MS
from api.query.timerange import TimeRange
from api.store import QuestionStore, StoreFault
from seamark.service.health import Health
from seamark.wire.damage import described
from seamark.wire.failures import Rejected, Unavailable


@dataclass(frozen=True, slots=True)
class Damage:
    """Of one answer: whether rows are missing, and when rows of its time were last repaired."""

    missing: bool = False
    repaired_ms: int = 0


UNDAMAGED: Final = Damage()


class DamageReport:
    """The damaged parts as last read. Without a store there is none."""

    def __init__(self, store: QuestionStore | None = None, health: Health | None = None) -> None:
        self._store = store
        self._health = health or Health()
        self.parts: Sequence[DamagedPart] = ()

    async def read(self) -> None:
        """Read them anew, and tell `health`. Never raises; what is known stays meanwhile."""
        if self._store is None:
            return
        try:
            self.parts = (await self._store.ask(plan_damaged_parts(), DamagedPart)).rows
        except (Rejected, Unavailable, StoreFault):
            return
        lost = [part for part in self.parts if not part.repaired_ms]
        said = described([(part.table, part.partition, part.rows, part.since_ms) for part in lost])
        self._health.degrade("damaged parts", said)

    def about(self, sql: str, range_: TimeRange) -> Damage:
        """What concerns an answer of this statement about this range."""
        missing, repaired_ms = False, 0
        for part in self.parts:
            early = part.last_ms < range_.from_ms - READ_BEFORE_MS
            if early or part.first_ms >= range_.to_ms or not _reads(sql, part.table):
                continue
            missing = missing or not part.repaired_ms
            repaired_ms = max(repaired_ms, part.repaired_ms)
        return Damage(missing, repaired_ms)


def _reads(sql: str, table: str) -> bool:
    return re.search(rf"\b{re.escape(table)}\b", sql) is not None
