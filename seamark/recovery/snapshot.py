"""A folder of backups: what lies where in it, and which one follows which.

    DIR/20261122T030400Z/
      backup.json       what it is, written last: without it the folder is no backup
      config.json       orgs, apps, keys and tokens (digests), as the log's bucket has them
      credentials.json  the first org's key and tokens, in the clear (one-machine stack)
      store/            ClickHouse's own backup of the database

All of it is its owner's only. One with a `base` holds only what that one lacks, so the base (and
its base) must stay beside it.
"""

import base64
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from seamark.recovery.stack import RecoveryError
from seamark.standalone.folder import write
from seamark.wire.positions import Position

FORMAT: Final = 1
_MANIFEST: Final = "backup.json"


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`backup.json`. `rows`: of every raw table; `positions`: key of the record -> where it was."""

    format: int
    name: str
    taken_at_ms: int
    seconds: float
    paused_seconds: float
    bytes: int
    base: str
    database: str
    rows: dict[str, int]
    positions: dict[str, Position]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup's folder. Making one touches nothing."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def store(self) -> Path:
        """ClickHouse's part."""
        return self.path / "store"

    @property
    def credentials(self) -> Path:
        """A copy of the stack's file; there need not be one."""
        return self.path / "credentials.json"

    @property
    def complete(self) -> bool:
        """Whether it was taken to its end."""
        return (self.path / _MANIFEST).exists()

    def manifest(self) -> BackupManifest:
        """What it says about itself. Raises RecoveryError."""
        path = self.path / _MANIFEST
        try:
            found = msgspec.json.decode(path.read_bytes(), type=BackupManifest)
        except (OSError, msgspec.DecodeError) as error:
            raise RecoveryError(f"{path} is not readable: {error}") from error
        if found.format != FORMAT:
            raise RecoveryError(f"{path} is of format {found.format}; this version reads {FORMAT}")
        return found

    def config(self) -> dict[str, bytes]:
        """The records of the configuration bucket by key. Raises RecoveryError."""
        path = self.path / "config.json"
        try:
            found = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError) as error:
            raise RecoveryError(f"{path} is not readable: {error}") from error
        return {key: base64.b64decode(value) for key, value in found.items()}

    def write_config(self, records: Mapping[str, bytes]) -> None:
        """Keep the records; private, on disk on return."""
        text = {key: base64.b64encode(value).decode() for key, value in records.items()}
        write(self.path / "config.json", msgspec.json.encode(text).decode())

    def write_credentials(self, source: Path) -> None:
        """Keep a copy of the stack's credentials, if there are any."""
        if source.exists():
            write(self.credentials, source.read_text("utf-8"))

    def finish(self, manifest: BackupManifest) -> None:
        """Make it a backup: everything is on disk before the manifest is."""
        _sync(self.path)
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode()
        write(self.path / _MANIFEST, f"{text}\n")
        _sync_one(self.path)
        _sync_one(self.path.parent)

    def size(self) -> int:
        """Bytes of all files in it, now."""
        return sum(path.lstat().st_size for path in self.path.rglob("*") if path.is_file())

    def remove(self) -> None:
        """Take away what is there of it."""
        shutil.rmtree(self.path, ignore_errors=True)


def new_snapshot(folder: Path, now: datetime) -> Snapshot:
    """A new, empty one in a folder of backups. Raises RecoveryError when it cannot be made."""
    path = folder.absolute() / now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        path.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise RecoveryError(
            f"the backup's folder {path} cannot be made: {error.strerror}"
        ) from error
    return Snapshot(path)


def complete_ones(folder: Path) -> list[Snapshot]:
    """The backups in a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [Snapshot(path) for path in sorted(folder.absolute().iterdir()) if path.is_dir()]
    return [snapshot for snapshot in found if snapshot.complete]


def choose(given: Path) -> Snapshot:
    """The backup that `--from` means: the folder itself, or the newest in it."""
    one = Snapshot(given.absolute())
    if one.complete:
        return one
    if found := complete_ones(given.absolute()):
        return found[-1]
    raise RecoveryError(f"there is no complete backup in {given}: none of it has a {_MANIFEST}")


def chain(last: Snapshot) -> list[Snapshot]:
    """A backup and those it builds on, itself first. Raises RecoveryError when one is missing."""
    found = [last]
    while base := found[-1].manifest().base:
        before = Snapshot(last.path.parent / base)
        if not before.complete:
            raise RecoveryError(f"{found[-1].path} builds on {before.path}, which is not there")
        found.append(before)
    return found


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
