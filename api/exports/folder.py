"""The folder of exports: one folder an export, with its record, its file, and a lock.

    <id>/export.json    the record; whole or not there
    <id>/lock           held (flock) by the process that makes the export, or removes it
    <id>/cancel         its end was asked for
    <id>/file           the export, once it is done
    <id>/attempt-<n>/   what is being made

Several API processes may share a folder. The kernel lets go of a lock when its process dies, so
whatever says `running` and is not locked was left by the dead. All calls block.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from api.exports.record import ExportRecord

_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_ID: Final = re.compile(r"[0-9a-f]{32}\Z")


class ExportFolder:
    """All exports under `root`. Raises OSError throughout."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def create(self) -> None:
        """Make the folder."""
        self.root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)

    def records(self) -> list[ExportRecord]:
        """Every export there is."""
        found = (self.read(path.name) for path in self.root.iterdir() if _ID.match(path.name))
        return [record for record in found if record is not None]

    def read(self, id_: str) -> ExportRecord | None:
        """One export, or None."""
        if not _ID.match(id_):
            return None
        try:
            return msgspec.json.decode(self._record(id_).read_bytes(), type=ExportRecord)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None  # of another release, perhaps: it is removed by who made it

    def write(self, record: ExportRecord, *, durable: bool = True) -> None:
        """Keep a record, in place of the one before. `durable`: it outlives the machine."""
        target = self._record(record.id)
        fresh = target.with_suffix(".fresh")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(msgspec.json.encode(record))
            if durable:
                opened.flush()
                os.fsync(opened.fileno())
        fresh.replace(target)
        if durable:
            _sync(target.parent)

    def add(self, record: ExportRecord) -> None:
        """A new export."""
        self._of(record.id).mkdir(mode=_PRIVATE_FOLDER)
        self.write(record)
        _sync(self.root)

    def claim(self, id_: str) -> int | None:
        """Take an export for this process; a descriptor that holds it, or None: it is taken."""
        try:
            descriptor = os.open(self._of(id_) / "lock", os.O_RDWR | os.O_CREAT, _PRIVATE)
        except FileNotFoundError:
            return None  # removed in this moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Excludes other processes that add an export; for a short time."""
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, _PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def attempt(self, record: ExportRecord) -> Path:
        """An empty folder for one attempt; those of attempts before are removed."""
        self.forget_attempts(record.id)
        folder = self._of(record.id) / f"attempt-{record.attempt}"
        folder.mkdir(mode=_PRIVATE_FOLDER)
        return folder

    def forget_attempts(self, id_: str) -> None:
        """Remove what was being made."""
        for folder in self._of(id_).glob("attempt-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, made: Path, id_: str) -> None:
        """The file that was made is the export; durable."""
        made.replace(self.file(id_))
        _sync(self.file(id_).parent)

    def file(self, id_: str) -> Path:
        """Where the file of an export is, once it is done."""
        return self._of(id_) / "file"

    def cancel(self, id_: str) -> None:
        """Ask the process that makes an export to stop."""
        with contextlib.suppress(FileNotFoundError):
            (self._of(id_) / "cancel").touch(mode=_PRIVATE)

    def is_cancelled(self, id_: str) -> bool:
        """Whether its end was asked for, or it was removed."""
        return (self._of(id_) / "cancel").exists() or not self._record(id_).exists()

    def remove(self, id_: str) -> None:
        """Remove an export, its record first: half-removed it does not exist. Claim it before."""
        self._record(id_).unlink(missing_ok=True)
        shutil.rmtree(self._of(id_), ignore_errors=True)

    def used_bytes(self) -> int:
        """What all exports take on the disk, those in the making included."""
        total = 0
        for path in self.root.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
        return total

    def free_bytes(self) -> int:
        """What is free on the disk."""
        return shutil.disk_usage(self.root).free

    def _of(self, id_: str) -> Path:
        return self.root / id_

    def _record(self, id_: str) -> Path:
        return self.root / id_ / "export.json"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
