"""A whole stack as its users get it: `seamark up` as a process, spoken to from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from seamark.standalone.ports import Ports
from tests.system.free import free_offset

SEAMARK = (sys.executable, "-P", "-m", "seamark")
QUIET = {"SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "0"}
"""Stacks count what tests send, and nothing of their own, unless a test wants it."""
START_SECONDS = 90.0
"""Longest start that is waited for; a quiet machine needs about five."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the parts of one stack listen."""

    ports: Ports

    @property
    def ingest(self) -> str:
        return f"http://127.0.0.1:{self.ports.collector_http}"

    @property
    def grpc(self) -> str:
        """For OpenTelemetry's gRPC exporters."""
        return f"http://127.0.0.1:{self.ports.collector_grpc}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def store(self) -> str:
        return f"http://127.0.0.1:{self.ports.store}"

    @property
    def rows(self) -> str:
        return f"http://127.0.0.1:{self.ports.rows}"

    @property
    def nats_monitor(self) -> str:
        return f"http://127.0.0.1:{self.ports.nats_monitor}"

    @property
    def nats(self) -> str:
        return f"nats://127.0.0.1:{self.ports.nats}"


@dataclass(slots=True)
class Stack:
    """A stack in `data`. As a context manager it is up and ready inside, and gone after."""

    data: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    offset: int = field(default_factory=free_offset)
    seamark: tuple[str, ...] = SEAMARK
    """The command, where it is not the one beside these tests."""
    process: subprocess.Popen[bytes] | None = None
    _seen: set[int] = field(default_factory=set)

    @property
    def urls(self) -> Urls:
        """Addresses, whether or not anything listens there now."""
        return Urls(Ports(self.offset))

    @property
    def credentials(self) -> dict[str, str]:
        """The first org's: org, app, ingest_key, query_token, admin_token."""
        found: dict[str, str] = json.loads((self.data / "credentials.json").read_text())
        return found

    @property
    def secrets(self) -> dict[str, str]:
        """Passwords of the servers inside: nats, redis, store."""
        found: dict[str, str] = json.loads((self.data / "secrets.json").read_text())
        return found

    @property
    def _output(self) -> Path:
        return self.data.with_suffix(".output")

    @property
    def output(self) -> str:
        """What `seamark up` has printed so far, over all starts."""
        return self._output.read_text()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the parts that run, by name, as the supervisor wrote them down."""
        return {str(row["name"]): int(str(row["pid"])) for row in self._written() if row["pid"]}

    def start(self) -> Self:
        """Start it without waiting."""
        command = [*self.seamark, "up", f"--data={self.data}", f"--port-offset={self.offset}"]
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *self.arguments],
                env={**_clean_environment(), **QUIET, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def status(self) -> tuple[int, list[dict[str, object]]]:
        """Exit code and rows of `seamark status --json`."""
        asked = run("status", "--json", "--data", str(self.data))
        rows: list[dict[str, object]] = json.loads(asked.stdout)
        return asked.returncode, rows

    def wait_ready(self, *, within_seconds: float = START_SECONDS) -> Self:
        """Wait until every part is ready. Fails with the stack's own words."""
        deadline = time.monotonic() + within_seconds
        while True:
            # The file is looked at first: starting the command ten times a second takes a core.
            rows = self._written()
            if rows and all(row["ready"] for row in rows):
                code, rows = self.status()
                if code == 0:
                    self._seen |= {int(str(row["pid"])) for row in rows}
                    return self
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"not ready: {rows}\n{self._last_words()}")
            time.sleep(0.05)

    def _written(self) -> list[dict[str, object]]:
        try:
            rows: list[dict[str, object]] = json.loads((self.data / "state.json").read_text())
        except FileNotFoundError:
            return []
        return rows

    def kill(self, name: str) -> int:
        """SIGKILL one part; returns the pid it had."""
        pid = self.pids[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_all(self) -> None:
        """SIGKILL the supervisor, as a machine that runs out of memory would."""
        assert self.process is not None
        self._seen |= set(self.pids.values())
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """SIGTERM the supervisor; its exit code and how many seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        return self.process.wait(30), time.monotonic() - began

    def left_over(self, *, within_seconds: float = 2.0) -> list[int]:
        """Pids of parts that still run after so long; empty is what it should be."""
        deadline = time.monotonic() + within_seconds
        while (alive := [pid for pid in self._seen if _runs(pid)]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return alive

    def _last_words(self) -> str:
        words = [self.output] + [
            f"{log.name}: {log.read_text(errors='replace')[-600:]}"
            for log in sorted((self.data / "logs").glob("*.log"))
        ]
        return "\n".join(words)

    def __enter__(self) -> Self:
        try:
            return self.start().wait_ready()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(*arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
    """Run the `seamark` command to its end."""
    return subprocess.run(
        [*SEAMARK, *arguments],
        env=_clean_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SEAMARK_")}


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
