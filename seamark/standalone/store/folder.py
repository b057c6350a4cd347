"""The store's data folder: what lies where, who holds it, and what is made new at every start.

lock         held (flock) by the store that runs; says its pid
engine/      the chdb folder; only the engine writes here, and dedup_repair.py before it opens
engine.xml   the engine's configuration
schemas/     input schemas, found by FORMAT Protobuf under their name
backups/     where BACKUP … TO File(…) may write
"""

import fcntl
import os
import string
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO, Final
from xml.sax.saxutils import escape

from seamark.standalone.store.settings import StoreServerSettings

SCHEMA: Final = "seamark_envelope.proto"
"""`format_schema=seamark_envelope:Envelope` names this file, here as on a real server."""
_PRIVATE_FOLDER: Final = 0o700


class FolderInUse(Exception):
    """Another process has the folder; the text is a sentence for whoever started this one."""


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """A data folder. Making one touches nothing; `hold` and `prepare` do. `path` is absolute."""

    path: Path

    @property
    def engine(self) -> Path:
        """The chdb folder."""
        return self.path / "engine"

    @property
    def config(self) -> Path:
        """The engine's configuration file."""
        return self.path / "engine.xml"

    @property
    def schemas(self) -> Path:
        """Input schemas. The engine looks for them in the process's working directory."""
        return self.path / "schemas"

    @property
    def backups(self) -> Path:
        """Where BACKUP may write."""
        return self.path / "backups"

    def hold(self) -> IO[str]:
        """Make the folder and take it; it is held while the result is open.

        Raises FolderInUse when another store, or another program that opened the chdb folder
        itself, has it, and OSError.
        """
        for folder in (self.path, self.engine, self.schemas, self.backups):
            folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+", encoding="ascii")
        if not _try_lock(lock):
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise FolderInUse(self._sentence(f"process {holder}" if holder else "another process"))
        status = self.engine / "status"  # the engine's own lock
        if status.exists():
            with status.open("r+", encoding="utf-8") as file:
                if not _try_lock(file):
                    lock.close()
                    raise FolderInUse(self._sentence("another program that opened it with chdb"))
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock

    def prepare(self, settings: StoreServerSettings) -> None:
        """Write the configuration and the input schema. Raises OSError."""
        package = files("seamark.standalone.store")
        template = string.Template((package / "engine.xml").read_text("utf-8"))
        self.config.write_text(
            template.substitute(
                memory_bytes=settings.memory_bytes,
                fsync=int(settings.fsync),
                disk_keep_bytes=settings.disk_keep_bytes,
                backups=escape(f"{self.backups}/"),
            ),
            "utf-8",
        )
        schema = (files("seamark.wire") / "envelope.proto").read_bytes()
        (self.schemas / SCHEMA).write_bytes(schema)

    def _sentence(self, holder: str) -> str:
        return (
            f"the store's data in {self.path} is in use by {holder}: "
            "stop that, or set SEAMARK_STORE_SERVER_PATH to another folder"
        )


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
