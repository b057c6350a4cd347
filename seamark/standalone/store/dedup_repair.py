"""Repair of the engine's deduplication logs, before the engine opens its folder.

MergeTree writes the record "this token is part P" some 20 µs before it renames P into place. A
process killed in between leaves a record without a part, and the retry of that insert is dropped
as a duplicate: the rows are lost for good. So, while nothing has the folder open, records whose
part does not exist are taken out, and with them the torn last line of a write cut short, which the
engine would neither read nor write past.

An insert that met a full disk leaves the same: its part is broken, the engine puts it aside when
it opens, and the record is left. So `opening.py` asks behind that, and repairs again.

A part exists if a part of the same partition covers its block numbers: merges replace parts by
wider ones. A part that was dropped, or merged to nothing by its TTL, takes its record with it, as
in the engine.
Format: ClickHouse `src/Storages/MergeTree/MergeTreeDeduplicationLog.cpp`, one record a line,
`operation \\t part \\t block id`, operation 1 = add, 2 = drop. `tests/chaos/test_crash_points.py`
holds this true for the engine version we pin.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PART: Final = re.compile(r"([^_]+)_(\d+)_(\d+)_(\d+)(?:_(\d+))?")
_LOG: Final = re.compile(r"deduplication_log_(\d+)\.txt")
_ADD: Final = b"1"

Ranges = dict[str, list[tuple[int, int]]]
"""Block numbers that exist, first and last inclusive, by partition."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was taken out of one log."""

    path: Path
    dangling: tuple[str, ...]
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Pruned:
    data: bytes
    dangling: tuple[str, ...]
    unreadable: int


def repair(engine_path: Path) -> list[Repaired]:
    """Repair every deduplication log under a chdb folder; returns the logs that were changed.

    The engine must not have the folder open. Each log is replaced whole, and is on disk before
    this returns. Raises OSError. A folder without tables needs nothing.
    """
    repaired: list[Repaired] = []
    for log, pruned in _pruned(engine_path):
        _replace(log, pruned.data)
        repaired.append(Repaired(log, pruned.dangling, pruned.unreadable))
    return repaired


def dangling(engine_path: Path) -> bool:
    """Whether there are records without a part. Changes nothing; the engine may be open."""
    return any(pruned.dangling for _, pruned in _pruned(engine_path))


def _pruned(engine_path: Path) -> Iterator[tuple[Path, _Pruned]]:
    """The logs that are not as they should be, and what they should be."""
    for folder in sorted(engine_path.glob("store/*/*/deduplication_logs")):
        ranges = existing(entry.name for entry in os.scandir(folder.parent) if entry.is_dir())
        for log in sorted(folder.iterdir()):
            if not _LOG.fullmatch(log.name):
                continue
            before = log.read_bytes()
            pruned = prune(before, ranges)
            if pruned.data != before:
                yield log, pruned


def existing(names: Iterable[str]) -> Ranges:
    """Block numbers of the parts among the folder names of one table."""
    ranges: Ranges = defaultdict(list)
    for name in names:
        part = _PART.fullmatch(name)
        if part is not None:  # tmp_insert_…, tmp_merge_…, detached and the like are no parts
            ranges[part[1]].append((int(part[2]), int(part[3])))
    return ranges


def prune(data: bytes, ranges: Ranges) -> _Pruned:
    """A log without the records whose part is not in `ranges`, and without unreadable lines."""
    kept: list[bytes] = []
    dangling: list[str] = []
    unreadable = 0
    for line in data.splitlines(keepends=True):
        fields = line.split(b"\t")
        if len(fields) != 3 or not line.endswith(b"\n") or not fields[0].isdigit():
            unreadable += 1
        elif fields[0] == _ADD and not _covered(fields[1].decode(errors="replace"), ranges):
            dangling.append(fields[1].decode(errors="replace"))
        else:
            kept.append(line)
    return _Pruned(b"".join(kept), tuple(dangling), unreadable)


def _covered(name: str, ranges: Ranges) -> bool:
    part = _PART.fullmatch(name)
    if part is None:
        return False
    first, last = int(part[2]), int(part[3])
    return any(low <= first and last <= high for low, high in ranges.get(part[1], ()))


def _replace(path: Path, data: bytes) -> None:
    """Replace a file whole; it is on disk, under its name, when this returns."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
