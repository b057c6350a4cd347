"""What parts there were, and which of them are lost. Pure, but for the file of the inventory.

The engine forgets a part whose folder is gone when it next opens its tables, and puts aside one
whose files are cut short: either way its rows are missing from every answer, and nothing says so.
So the parts that were seen are written down, and a part counts as lost when no part of the engine
covers its block numbers any more; a merge covers those it was made of. After a merge that was not
finished the engine goes back to the parts before it: those cover it again.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

_MOST_LOST: Final = 10_000


class PartRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One part. Times in epoch seconds, of its rows; `expires`: when its TTL is over, 0: never."""

    table: str
    partition: str
    name: str
    low: int
    high: int
    rows: int
    size: int
    first: int = 0
    last: int = 0
    expires: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.table, self.name


class LostPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part that is lost, or a day whose rows are not all there. `since_ms`: when it was found."""

    table: str
    partition: str
    part: str
    what: Literal["missing", "unreadable", "counts"]
    detail: str
    rows: int
    first: int
    last: int
    since_ms: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells it from others."""
        return self.table, self.partition, self.part, self.since_ms


class Inventory(msgspec.Struct, kw_only=True):
    """The parts that were there at the last look, and the lost ones that are not repaired yet."""

    parts: list[PartRecord] = []
    lost: list[LostPart] = []

    @classmethod
    def read(cls, path: Path) -> "Inventory | None":
        """From its file; None where there is none that can be read."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, path: Path) -> None:
        """Into its file, whole. Raises OSError."""
        self.lost = self.lost[-_MOST_LOST:]
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(self))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def uncovered(
    known: Iterable[PartRecord], active: Iterable[PartRecord], *, now: float
) -> list[PartRecord]:
    """The known parts that no active one covers, and whose time to live is not over."""
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for part in active:
        ranges[part.table, part.partition].append((part.low, part.high))
    return [
        part
        for part in known
        if not 0 < part.expires <= now
        and not _covers(ranges.get((part.table, part.partition), ()), part.low, part.high)
    ]


def _covers(ranges: Iterable[tuple[int, int]], first: int, last: int) -> bool:
    """Whether one range holds `first` to `last`, or those inside reach from the one to the other.

    Not every number between is a block's, so whether those inside are all is for counts to tell.
    """
    inside = []
    for low, high in ranges:
        if low <= first and last <= high:
            return True
        if first <= low and high <= last:
            inside.append((low, high))
    return bool(inside) and min(inside)[0] == first and max(high for _, high in inside) == last


def lost_part(
    part: PartRecord, what: Literal["missing", "unreadable"], detail: str, now: float
) -> LostPart:
    """The record of a part that is lost."""
    return LostPart(
        table=part.table,
        partition=part.partition,
        part=part.name,
        what=what,
        detail=detail,
        rows=part.rows,
        first=part.first,
        last=part.last,
        since_ms=int(now * 1000),
    )


Days = Mapping[tuple[str, str], int]
"""Rows that are too few (or, negative, too many), by raw table and partition."""


def persistent(before: Days, now: Days) -> Days:
    """Differences that two looks found alike: of a block that is being written they change."""
    return {key: found for key, found in now.items() if found and before.get(key) == found}
