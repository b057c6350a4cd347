"""Appends records to the newest segment and syncs them. Blocks."""

import contextlib
import os
from pathlib import Path

from collector.spool.record import MAGIC
from collector.spool.segment import SUFFIX, Segment, create, note_length


class SpoolAppender:
    """Writes to one folder, from one thread. `first` is the number of the next segment."""

    def __init__(self, folder: Path, *, first: int, segment_bytes: int) -> None:
        self._folder = folder
        self._next = first
        self._segment_bytes = segment_bytes
        self._descriptor = -1
        self.segment: Segment | None = None

    def append(self, data: bytes) -> Segment:
        """Write encoded records and sync them; returns the segment that they end.

        Its `size` is the caller's to advance. Raises OSError; nothing of them counts then, and the
        next call begins a new segment: after a failed sync the contents of the file are unknown.
        """
        segment = self.segment
        if segment is None or segment.size >= self._segment_bytes:
            segment = self._begin()
        try:
            _write_all(self._descriptor, data)
            os.fdatasync(self._descriptor)
            note_length(segment.path, os.fstat(self._descriptor).st_size)
        except OSError:
            self._abandon(segment)
            raise
        return segment

    def close(self) -> None:
        """Write no more to the segment."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self.segment = -1, None

    def _begin(self) -> Segment:
        self.close()
        path = self._folder / f"{self._next:012d}{SUFFIX}"
        self._next += 1
        segment = create(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.segment = segment
        return segment

    def _abandon(self, segment: Segment) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, segment.size)
            os.fsync(self._descriptor)
        self.close()
        if segment.size == len(MAGIC):
            with contextlib.suppress(OSError):
                segment.path.unlink()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
