"""The folder where sealed batches wait until they are delivered, shared by all processes.

A file is named by `core.spool_names` and never changed; who sends it holds its lock.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from seamark_sdk.core.spool_names import (
    KINDS,
    Eviction,
    SpoolName,
    evictions,
    read_spool_name,
    spool_name,
)
from seamark_sdk.locked_file import LockedFile


class Waiting(NamedTuple):
    """A sealed batch."""

    path: Path
    name: SpoolName


class Spool:
    """Sealed batches below `folder`, a folder for each kind. Raises OSError as the disk does."""

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def prepare(self) -> None:
        """Make the folders."""
        for kind in KINDS:
            (self._folder / kind).mkdir(mode=0o700, parents=True, exist_ok=True)

    def folder(self, kind: str) -> Path:
        """Where batches of one kind wait."""
        return self._folder / kind

    def put(self, data: bytes, *, ms: int, batch_id: str, kind: str) -> None:
        """Store a batch, synced; one of the same name is replaced, and is the same."""
        path = self.folder(kind) / spool_name(ms, batch_id, kind)
        hidden = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            hidden.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                hidden.unlink()
            raise

    def waiting(self) -> list[Waiting]:
        """What waits, oldest first."""
        found = [
            Waiting(path, name)
            for kind in KINDS
            for path in self._files(kind)
            if (name := read_spool_name(path.name))
        ]
        return sorted(found, key=lambda one: (one.name.ms, one.path.name))

    def evict(self, now_ms: int) -> list[Eviction]:
        """Delete what is too old, or too much; what is being sent stays."""
        gone: list[Eviction] = []
        for kind in KINDS:
            sizes: list[tuple[str, int]] = []
            for path in self._files(kind):
                with contextlib.suppress(FileNotFoundError):
                    sizes.append((path.name, path.stat().st_size))
            for one in evictions(sizes, now_ms=now_ms, most_bytes=self._most_bytes):
                held = LockedFile.claim(self.folder(kind) / one.name)
                if held is not None:
                    held.delete()
                    gone.append(one)
        return gone

    def _files(self, kind: str) -> Iterator[Path]:
        with contextlib.suppress(OSError):  # not there, or not ours: nothing waits
            yield from self.folder(kind).iterdir()
