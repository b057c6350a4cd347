"""The stack under load: one of our own in a new folder, or one that already runs."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seamark.standalone.folder import Folder
from seamark.standalone.ports import Ports, reachable
from seamark.standalone.status import status

_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 30.0


class NotStarted(Exception):
    """The stack did not come up; the message says what it printed last."""


@dataclass(frozen=True, slots=True)
class LoadStack:
    """A running stack, by its data folder."""

    folder: Folder
    host: str
    ports: Ports

    @property
    def ingest_url(self) -> str:
        return f"http://{self.host}:{self.ports.collector_http}"

    @property
    def grpc_url(self) -> str:
        return f"http://{self.host}:{self.ports.collector_grpc}"

    @property
    def api_url(self) -> str:
        return f"http://{self.host}:{self.ports.api}"

    @property
    def rows_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.rows}"

    @property
    def sink_urls(self) -> tuple[str, ...]:
        """Of the processors that carry the log somewhere."""
        return (self.rows_url, f"http://127.0.0.1:{self.ports.archive}")

    @property
    def store_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.store}"

    def pids(self) -> dict[str, int]:
        """Name of each running part -> its process id. Blocks for up to 2 s."""
        return {row.name: row.pid for row in status(self.folder) or [] if row.pid is not None}


def attach(data: Path) -> LoadStack:
    """The stack that holds `data`. Raises NotStarted when nothing does."""
    folder = Folder(data.absolute())
    holder = folder.holder()
    if holder is None:
        raise NotStarted(f"nothing runs in {data}")
    return LoadStack(folder, reachable(holder.host), Ports(holder.port_offset))


@contextmanager
def standing_still(stack: LoadStack, part: str | None) -> Iterator[None]:
    """SIGSTOP for this part, and SIGCONT at the end; nothing for None. Raises NotStarted."""
    if part is None:
        yield
        return
    pid = stack.pids().get(part)
    if pid is None:
        raise NotStarted(f"no part is called {part}")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class OwnStack:
    """`seamark up` in a folder of its own, as a context manager; stopped and removed at the end."""

    def __init__(self, data: Path, *, port_offset: int) -> None:
        self._data = data
        self._offset = port_offset
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LoadStack:
        self._data.mkdir(parents=True, exist_ok=True)
        output = self._data / "up.txt"
        with output.open("wb") as sink:
            command = (sys.executable, "-P", "-m", "seamark", "up", "--data", str(self._data))
            self._process = subprocess.Popen(
                [*command, "--port-offset", str(self._offset)],
                # what is measured is the load, not what Seamark says of itself
                env={"SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "0", **os.environ},
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        folder = Folder(self._data.absolute())
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            rows = status(folder) if (self._data / "lock").exists() else None
            if rows and all(row.ready for row in rows):
                return attach(self._data)
            time.sleep(0.25)
        self._stop()
        raise NotStarted(f"seamark up did not get ready:\n{output.read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def _stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
