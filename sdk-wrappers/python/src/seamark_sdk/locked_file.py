"""A file that one process holds. The lock ends with the process, however it ends."""

import fcntl
import os
from pathlib import Path
from typing import Self


class LockedFile:
    """An open file with an exclusive lock (flock(2)); `close` lets go of it.

    A child made by fork has the same lock through the same open file: `close` in the parent unlocks
    it for both, and `abandon` in the child leaves the parent's lock as it is.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new file under a name that is not looked for, lock it, and give it its name."""
        hidden = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except OSError:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """Hold a file that exists; None where it is gone, or another process holds it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(descriptor)
            there = path.stat()
        except OSError:  # held, or gone since it was opened
            os.close(descriptor)
            return None
        if (mine.st_ino, mine.st_dev) != (there.st_ino, there.st_dev):
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def append(self, data: bytes) -> None:
        """Write at the end, all or nothing. It survives the process. Raises OSError."""
        written = os.write(self._descriptor, data)
        if written != len(data):  # the disk is full: what there is of it would spoil what follows
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(f"{written} of {len(data)} bytes were written to {self.path.name}")

    def read(self) -> bytes:
        """All of it."""
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, size, 0)

    def delete(self) -> None:
        """Delete the file, and let go of it."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.abandon()

    def abandon(self) -> None:
        """Close what was inherited; the lock stays the parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
