"""The data folder: what lies where, who holds it, and the little files the supervisor keeps in it.

    lock              held (flock) by the running supervisor; says its pid, host and port offset
    secrets.json      passwords between the parts, made once
    credentials.json  the first org's key and tokens, for people
    look.html         opens the API's first look with the query token
    last-backup       touched by a backup that ended well
    own-metrics.key   the key with which the parts report their own metrics
    state.json        what runs, for `seamark status`
    log.json          room for the log, decided at the first start
    nats/ redis/ store/ spool/ logs/

Everything is readable by its owner only. Writes are whole or not at all.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seamark.service.settings import SettingsError

_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_SHARE_OF_DISK: Final = 0.8
BUCKETS_SHARE: Final = 0.05
"""Of the log's room, kept for configuration and positions, which have no size of their own."""
_SERVERS: Final = ("nats", "redis", "store")
_COPY: Final = "put it back from a copy"
_CREDENTIALS: Final = ("org", "app", "ingest_key", "query_token", "admin_token")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of the servers in the stack: URL-safe, known to nobody outside it."""

    nats: str
    redis: str
    store: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The supervisor that holds a folder, and how it was started."""

    pid: int
    host: str
    port_offset: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A data folder. Making one touches nothing; `create` does."""

    path: Path

    @property
    def credentials(self) -> Path:
        return self.path / "credentials.json"

    @property
    def own_metrics_key(self) -> Path:
        return self.path / "own-metrics.key"

    @property
    def last_backup(self) -> Path:
        return self.path / "last-backup"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def part(self, name: str) -> Path:
        """The folder that a part keeps its data in."""
        return self.path / name

    def create(self) -> None:
        """Make the folder and its subfolders. Raises SettingsError when that is not possible."""
        try:
            for folder in (self.path, self.logs, *map(self.part, ("nats", "redis", "store"))):
                folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"the data folder {self.path} cannot be made: {error.strerror}"
            ) from error

    def lock(self, *, host: str, port_offset: int, patience_seconds: float) -> int:
        """Take the folder for this process; returns a descriptor that holds it while open.

        Blocks up to `patience_seconds` for a holder that is just ending. Raises SettingsError
        naming the holder. The kernel lets go when the process dies, however it dies.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, _PRIVATE)
        until = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    holder = self.holder()
                    by = f" (pid {holder.pid})" if holder else ""
                    raise SettingsError(f"{self.path} is in use by another seamark{by}") from None
                time.sleep(0.05)
        text = json.dumps({"pid": os.getpid(), "host": host, "port_offset": port_offset})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
        return descriptor

    def holder(self) -> Holder | None:
        """Who holds the folder now, or None. A lock file left by the dead is nobody."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            # Shared, so that two who ask do not take each other for the holder.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
            except ValueError:  # held, but not written yet
                return None
        finally:
            os.close(descriptor)
        return None

    def secrets(self) -> Secrets:
        """The passwords between the parts; made at the first call."""
        path = self.path / "secrets.json"
        found = self._read(path)
        if found is None:
            found = {name: secrets.token_urlsafe(24) for name in _SERVERS}
            write(path, json.dumps(found))
        try:
            return Secrets(**{name: found[name] for name in _SERVERS if found[name]})
        except (KeyError, TypeError):
            raise SettingsError(
                f"{path} lacks passwords of {', '.join(_SERVERS)}: {_COPY}, or delete it while "
                "nothing runs, and new ones are made"
            ) from None

    def log_bytes(self) -> int:
        """Bytes the log may fill: decided once, from the disk that is free at the first start.

        Left to itself the server would take a share of what is free *now*, and after a restart on
        a fuller disk refuse its own streams (nats-server #5871). A log that was brought here may
        have been laid out for a larger disk: it has at least the room of its streams, which is a
        limit and not taken; shedding looks at what the disk has.
        """
        path = self.path / "log.json"
        found = self._read(path)
        decided = int(found["max_file_store"]) if found is not None else 0
        room = decided or int(shutil.disk_usage(self.path).free * _SHARE_OF_DISK)
        room = max(room, int(self._reserved_bytes() / (1 - BUCKETS_SHARE)))
        if room != decided:
            write(path, json.dumps({"max_file_store": room}))
        return room

    def _reserved_bytes(self) -> int:
        """The limits of the streams that lie in the folder, together."""
        total = 0
        for path in self.part("nats").glob("jetstream/*/streams/*/meta.inf"):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                total += max(0, int(json.loads(path.read_bytes()).get("max_bytes", 0)))
        return total

    def read_credentials(self) -> Mapping[str, str]:
        """The first org's key and tokens. Raises SettingsError when they are not there."""
        found = self._read(self.credentials)
        if found is None:
            raise SettingsError(f"{self.credentials} is missing")
        return found

    def check_credentials(self) -> str:
        """What a person has to know of a credentials file that is gone; "" for nothing.

        Raises SettingsError for one that is not what provisioning wrote.
        """
        ways = (
            'docs/recovery.md, "secrets.json or credentials.json is lost", says how to '
            "revoke the keys and tokens made before, which still work"
        )
        found = self._read(self.credentials, ways=f", or delete it, and new ones are made; {ways}")
        if found is None:
            known = (self.part("nats") / "jetstream").is_dir()
            return f"{self.credentials} is gone, and new ones are made; {ways}" if known else ""
        missing = [name for name in _CREDENTIALS if not isinstance(found.get(name), str)]
        if missing:
            raise SettingsError(
                f"{self.credentials} lacks {', '.join(missing)}: {_COPY}, or "
                f"delete it, and new ones are made; {ways}"
            )
        return ""

    @staticmethod
    def _read(path: Path, *, ways: str = "") -> dict[str, Any] | None:
        try:
            found: Any = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise SettingsError(f"{path} is not readable ({error}): {_COPY}{ways}") from error
        if not isinstance(found, dict):
            kind = type(found).__name__
            raise SettingsError(f"{path} holds no JSON object, but a {kind}: {_COPY}{ways}")
        return found


def write(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a private file by renaming, so that a reader sees the old or the new one.

    `sync` waits for the disk: for what must outlive a power cut.
    """
    partial = path.with_name(path.name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "w") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.replace(partial, path)
