"""Where faults happen: a running Seamark, seen only through its processes, links and ports.

Two kinds: `OneMachine`, what `seamark up` starts, and `Cluster` (cluster.py), the same parts
started one by one and wired through links that can be spoiled.
"""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from seamark.service.connections import LogSettings
from tests.chaos.clock import Clock
from tests.chaos.disk import Disk
from tests.chaos.link import Link
from tests.system.stack import Stack

RUN_VARIABLE = "CHAOS_RUN"
"""In the environment of every process of an arena: how those that outlive it are found."""


@dataclass(frozen=True, slots=True)
class Store:
    """How the store is asked."""

    url: str
    password: str


class Arena(Protocol):
    """One running Seamark."""

    name: str
    data: Path
    run: str
    clock: Clock | None
    disk: Disk | None
    ended: list[str]
    """Each time something ended for good that should have gone on, as text."""

    @property
    def links(self) -> Mapping[str, Link]:
        """Links between parts, by name: "from>to"."""

    @property
    def ingest(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def store(self) -> Store: ...
    @property
    def log(self) -> LogSettings: ...
    @property
    def monitors(self) -> Mapping[str, str]:
        """Monitoring address of each nats-server, by the name of its part."""

    @property
    def archive(self) -> Path:
        """Where archive files lie, if there is an archive."""

    def pids(self) -> Mapping[str, int]:
        """The parts that run now; "supervisor" is what keeps them running."""

    def has_archive(self) -> bool: ...
    async def up(self) -> None:
        """Start, and wait until all is ready."""

    async def revive(self) -> None:
        """Start again what was killed with its supervisor, without waiting."""

    async def ready(self, *, within_seconds: float) -> None:
        """Wait until every part is ready. Raises AssertionError naming those that are not."""

    async def down(self) -> None: ...
    def last_words(self) -> str:
        """The end of every part's log."""


@dataclass(slots=True)
class OneMachine:
    """`seamark up` in a folder, on a disk of its own if one is given."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    disk: Disk | None = None
    name: str = "one machine"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    links: Mapping[str, Link] = field(default_factory=dict)
    clock: Clock | None = None
    ended: list[str] = field(default_factory=list)
    _stack: Stack = field(init=False)
    _watch: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        environment = {RUN_VARIABLE: self.run, **self.environment}
        self._stack = Stack(self.data, environment=environment)

    @property
    def ingest(self) -> str:
        return self._stack.urls.ingest

    @property
    def key(self) -> str:
        return self._stack.credentials["ingest_key"]

    @property
    def store(self) -> Store:
        return Store(self._stack.urls.store, self._stack.secrets["store"])

    @property
    def log(self) -> LogSettings:
        password = self._stack.secrets["nats"]
        return LogSettings(url=self._stack.urls.nats, user="seamark", password=password)

    @property
    def monitors(self) -> Mapping[str, str]:
        return {"nats": self._stack.urls.nats_monitor}

    @property
    def archive(self) -> Path:
        return self.data / "archive"

    def has_archive(self) -> bool:
        return "archive" in self._stack.pids

    def pids(self) -> Mapping[str, int]:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            process = self._stack.process
            supervisor = {"supervisor": process.pid} if process is not None else {}
            return self._stack.pids | supervisor
        return {}

    async def up(self) -> None:
        self._stack.start()
        await self.ready(within_seconds=90)
        self._watch = asyncio.create_task(self._watched())

    async def revive(self) -> None:
        process = self._stack.process
        if process is not None:
            await asyncio.to_thread(process.wait)
        self._stack.start()

    async def ready(self, *, within_seconds: float) -> None:
        await asyncio.to_thread(self._stack.wait_ready, within_seconds=within_seconds)

    async def _watched(self) -> None:
        """Start the supervisor again when it ended by itself, as its own keeper would."""
        while True:
            await asyncio.sleep(0.5)
            process = self._stack.process
            if process is not None and (code := process.poll()) is not None and code >= 0:
                self.ended.append(f"seamark up ended by itself with exit code {code}")
                self._stack.start()

    async def down(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._stack.process is not None and self._stack.process.poll() is None:
            code, seconds = await asyncio.to_thread(self._stack.stop)
            if code != 0:
                self.ended.append(f"seamark up stopped with exit code {code} in {seconds:.1f} s")

    def last_words(self) -> str:
        return words(self.data / "logs", [self.data.with_suffix(".output")])


def words(logs: Path, others: list[Path]) -> str:
    """The last lines of every log in a folder, and of other files."""
    files = [*others, *sorted(logs.glob("*.log"))]
    return "\n".join(
        f"--- {file.name}\n"
        + "\n".join(line[:400] for line in file.read_text(errors="replace").splitlines()[-12:])
        for file in files
        if file.exists()
    )


def outlived(run: str) -> list[str]:
    """Processes of an arena that still run, as text; none is what it should be."""
    wanted = f"{RUN_VARIABLE}={run}".encode()
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        with contextlib.suppress(OSError, psutil.Error):
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            if process.pid != os.getpid() and wanted in environment:
                found.append(f"{process.pid}: {' '.join(process.info['cmdline'])[:120]}")
    return found
