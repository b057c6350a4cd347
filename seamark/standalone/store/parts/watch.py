"""One look at the parts after the other. Runs in a thread of its own, and blocks.

At the first look the parts are compared with the inventory of the last run. At each, the sizes of
the files of a tenth of the parts are compared with what the engine has, the bytes of parts are
checked as far as the budget goes, and a part that cannot be read is put aside: questions would fail
on it, and at the next start it would be gone without a word. At every third look the rows of each
day are compared with those that the ledger counts.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from seamark.standalone.store import metrics
from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.parts.engine_parts import EngineParts
from seamark.standalone.store.parts.inventory import (
    Days,
    Inventory,
    LostPart,
    PartRecord,
    lost_part,
    persistent,
    uncovered,
)

logger = logging.getLogger(__name__)
FILE: Final = "parts.json"
_MOST_CHECKS: Final = 50
_COUNT_LOOKS: Final = 3
_AGAIN_LOOKS: Final = 6
"""No part is checked at more than one look in so many, however few there are."""
_SIZE_LOOKS: Final = 10
"""The files of each part are measured once in so many looks: a part has some hundred files."""


@dataclass(slots=True)
class PartWatch:
    """`folder`: the store's. `check_bytes`: how much is read in a second, on the average.

    `every_seconds`: between two looks. Used by one thread, and by those of statements (`removing`).
    """

    parts: EngineParts
    folder: Path
    check_bytes: int
    every_seconds: float
    clock: Callable[[], float] = time.time
    _inventory: Inventory | None = None
    _checked: dict[tuple[str, str], float] = field(default_factory=dict)
    _measured_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _differences: Days = field(default_factory=dict)
    _counted: float = 0.0
    _measured: set[str] = field(default_factory=set)
    _one: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def removing(self) -> Iterator[None]:
        """For a statement that may remove parts: those that are gone behind it were meant to go."""
        with self._one:
            yield
            self._try(meant=True)

    def look(self) -> None:
        """Look once. Never raises: what the engine does not answer now, it is asked again."""
        with self._one:
            self._try(meant=False)

    def _try(self, *, meant: bool) -> None:
        try:
            self._look(meant=meant)
        except (StoreError, OSError) as error:
            logger.warning("the parts could not be looked at", extra={"error": str(error)[:300]})

    def _look(self, *, meant: bool) -> None:
        if self.parts.write_failed():  # the engine is opened anew, on the parts before that write
            return
        inventory = self._inventory
        if inventory is None:
            inventory = Inventory.read(self.folder / FILE) or Inventory()
        known = {part.key: part for part in inventory.parts}
        active = self.parts.active(known)
        lost = list(inventory.lost)
        if not meant:
            now = self.clock()
            gone = uncovered(inventory.parts, active, now=now)
            lost += [lost_part(part, "missing", _GONE, now) for part in gone]
        if self._inventory is not None and not meant:  # the first look, and statements, compare
            lost += self._checks(active)
            lost = self._counts(lost)
        repaired = self.parts.repaired(lost)
        lost = [one for one in lost if one.key not in repaired]
        for one in lost:
            if one not in inventory.lost:
                logger.error(
                    "rows of the store are lost",
                    extra={
                        "part": one.part,
                        "table": one.table,
                        "rows": one.rows,
                        "what": one.what,
                        "detail": one.detail,
                    },
                )
        aside = {(one.table, one.part) for one in lost}
        kept = [part for part in active if part.key not in aside]
        if self._inventory is None or kept != inventory.parts or lost != inventory.lost:
            inventory = Inventory(parts=kept, lost=lost)
            inventory.write(self.folder / FILE)
        self._inventory = inventory
        self._measured |= {one.table for one in lost}
        for table in self._measured:
            metrics.DAMAGED.labels(table).set(sum(one.table == table for one in lost))

    def _checks(self, active: Mapping[PartRecord, str]) -> list[LostPart]:
        """Check parts whose files have another size first, then those not checked for longest."""
        now = self.clock()
        keys = {part.key for part in active}
        self._checked = {key: at for key, at in self._checked.items() if key in keys}
        odd = self._odd_sizes(active, now)
        due = sorted(active, key=lambda part: self._checked.get(part.key, 0.0))
        budget = int(self.check_bytes * self.every_seconds)
        pause = _AGAIN_LOOKS * self.every_seconds
        lost: list[LostPart] = []
        for index, part in enumerate([*odd, *due]):
            key = part.key
            if index >= len(odd):
                budget -= part.size
                again = now - self._checked.get(key, 0.0) < pause
                if again or (budget < 0 and index > len(odd)) or index > len(odd) + _MOST_CHECKS:
                    break
            self._checked[key] = now
            said = self.parts.damage(part)
            if said and part.name not in {one.part for one in lost if one.table == part.table}:
                if not self.parts.damage(part):  # it was not the part
                    continue
                if self.parts.write_failed():
                    break
                self.parts.put_aside(part)
                lost.append(lost_part(part, "unreadable", said, now))
        return lost

    def _odd_sizes(self, active: Mapping[PartRecord, str], now: float) -> list[PartRecord]:
        """Of the parts whose files were not measured for longest, those of another size."""
        before = self._measured_at
        self._measured_at = {part.key: before.get(part.key, 0.0) for part in active}
        due = sorted(active, key=lambda part: self._measured_at[part.key])
        due = due[: -(-len(due) // _SIZE_LOOKS)]
        self._measured_at |= dict.fromkeys((part.key for part in due), now)
        return [part for part in due if _size(active[part]) != part.size]

    def _counts(self, lost: list[LostPart]) -> list[LostPart]:
        """Days whose rows are not what the ledger says, but for those with a part that is lost."""
        now = self.clock()
        if now - self._counted < _COUNT_LOOKS * self.every_seconds:
            return lost
        self._counted = now
        found = self.parts.differences()
        for one in lost:
            if one.what == "counts" and (one.table, one.partition) not in found:
                self.parts.gone(one)
        known = {(one.table, one.partition) for one in lost}
        ledger = any(one.table == "ledger" for one in lost)
        fresh = {} if ledger else persistent(self._differences, found)
        self._differences = found
        return lost + [
            _counted(table, day, rows, now)
            for (table, day), rows in fresh.items()
            if (table, day) not in known
        ]


_GONE: Final = "the part was there before the store was started, and is gone or cannot be read"


def _counted(table: str, day: str, missing: int, now: float) -> LostPart:
    first = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    return LostPart(
        table=table,
        partition=day,
        part="",
        what="counts",
        detail=f"the ledger counts {missing:+,} rows beside those of that day",
        rows=abs(missing),
        first=first - 86400,
        last=first + 86400,
        since_ms=int(now * 1000),
    )


def _size(folder: str) -> int:
    """Bytes of the files of a part; -1 when it is gone."""
    total = 0
    try:
        for path, _, names in os.walk(folder):
            total += sum(os.stat(os.path.join(path, name)).st_size for name in names)
    except OSError:
        return -1
    return total or -1
