"""One file of spooled records, and beside it how far each stream's have been given to the log.

    000000000007.spool      records of all streams, in order of arrival; only appended to
    000000000007.progress   {"events.0": [offset, sequence]}: what of them the log has, and up to
                            which sequence of the stream; written now and then, never synced

The progress only saves look-ups: with an old, torn or missing one nothing is lost. All
functions here block.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from collector.spool.record import MAGIC, Contents, Key, Placed, read
from seamark.wire.reading import org_of
from seamark.wire.signals import Signal
from seamark.wire.zstd_frames import frames_of

SUFFIX: Final = ".spool"
_PROGRESS: Final = ".progress"
DAMAGED: Final = ".damaged"
_LENGTH: Final = ".length"
_PRIVATE: Final = 0o600


@dataclass(slots=True)
class Tally:
    """What a segment still holds for one stream."""

    records: int = 0
    frames: int = 0
    size: int = 0

    def add(self, placed: Placed) -> None:
        self.records += 1
        self.frames += placed.record.frames
        self.size += len(placed.record.payload)

    def take(self, placed: Placed) -> None:
        self.records -= 1
        self.frames -= placed.record.frames
        self.size -= len(placed.record.payload)


@dataclass(slots=True, eq=False)
class Segment:
    """A file of the spool. `size`: its durable bytes; `left_by`: its folder, when inherited."""

    path: Path
    size: int
    left_by: str = ""
    left: dict[Key, Tally] = field(default_factory=dict)
    done: dict[Key, tuple[int, int]] = field(default_factory=dict)
    publisher_ids: set[str] = field(default_factory=set)
    orgs: Counter[str] = field(default_factory=Counter)
    """Bytes of the frames of each org, whatever of them the log has already."""
    oldest_ms: int = 0
    damaged: int = 0

    @property
    def empty(self) -> bool:
        """Whether the log has everything of it."""
        return not any(tally.records for tally in self.left.values())

    def add(self, placed: Placed) -> None:
        """Count a record in."""
        self.left.setdefault(placed.record.key, Tally()).add(placed)
        self.publisher_ids.add(placed.record.publisher_id)
        self.oldest_ms = self.oldest_ms or placed.record.spooled_ms
        for frame in frames_of(placed.record.payload):
            self.orgs[org_of(frame)] += len(frame)

    def settle(self, placed: Placed, sequence: int) -> None:
        """Count a record out: the log has it, at `sequence`."""
        key = placed.record.key
        self.left[key].take(placed)
        self.done[key] = (placed.end, sequence)

    def load(self, key: Key, *, start: int) -> list[Placed]:
        """The records of one stream from offset `start` on."""
        contents = self._read(max(start, len(MAGIC)))
        return [placed for placed in contents.placed if placed.record.key == key]

    def _read(self, start: int) -> Contents:
        with self.path.open("rb") as file:
            file.seek(start)
            return read(file.read(max(0, self.size - start)), at=start)

    def write_progress(self) -> None:
        """Write the progress: whole or not at all, but not synced."""
        done = {f"{signal.value}.{partition}": at for (signal, partition), at in self.done.items()}
        partial = self.path.with_suffix(_PROGRESS + ".partial")
        partial.write_bytes(msgspec.json.encode(done))
        os.replace(partial, self.path.with_suffix(_PROGRESS))

    def remove(self) -> None:
        """Delete it, or keep it aside when some of it could not be read."""
        if self.damaged:
            os.replace(self.path, self.path.with_suffix(DAMAGED))
        else:
            self.path.unlink(missing_ok=True)
        self.path.with_suffix(_PROGRESS).unlink(missing_ok=True)
        self.path.with_suffix(_LENGTH).unlink(missing_ok=True)


def note_length(path: Path, size: int) -> None:
    """Write down that so much of a segment is synced; not synced itself, so never too much.

    A segment that is shorter when it is opened again was cut, and did not end in a torn write.
    """
    path.with_suffix(_LENGTH).write_text(str(size), "ascii")


def _noted_length(path: Path) -> int:
    try:
        return int(path.with_suffix(_LENGTH).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def create(path: Path) -> Segment:
    """A new, empty segment, whose name is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        os.write(descriptor, MAGIC)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    return Segment(path, len(MAGIC))


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def left_in(folder: Path) -> Iterator[Segment]:
    """The segments that an earlier process left in `folder`, in order, torn tails cut off.

    Those of which the log has everything are deleted. Raises OSError.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        segment = _reopened(path, left_by=str(folder))
        if segment.empty:
            segment.remove()
        else:
            yield segment


def _reopened(path: Path, *, left_by: str) -> Segment:
    data = path.read_bytes()
    segment = Segment(path, len(data), left_by)
    cut = int(len(data) < _noted_length(path))
    if not data.startswith(MAGIC):
        # else a file that was just being made
        segment.damaged = int(len(data) > len(MAGIC)) or cut
        return segment
    contents = read(data[len(MAGIC) :], at=len(MAGIC))
    if contents.end < len(data):
        with path.open("r+b") as file:
            file.truncate(contents.end)
            os.fsync(file.fileno())
    segment.size, segment.damaged = contents.end, contents.damaged + cut
    segment.done = _progress(path.with_suffix(_PROGRESS))
    for placed in contents.placed:
        if placed.end > segment.done.get(placed.record.key, (0, 0))[0]:
            segment.add(placed)
    return segment


def _progress(path: Path) -> dict[Key, tuple[int, int]]:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[int, int]])
        return {
            (Signal(name.partition(".")[0]), int(name.partition(".")[2])): at
            for name, at in found.items()
        }
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return {}
