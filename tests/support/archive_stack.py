"""The archive with everything around it that is real: a log, a store, the process, its files."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import zstandard
from nats.aio.client import Client as NatsClient

from processors.archive.layout import Hour
from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.log_streams import add_dead_letters, add_positions, add_stream
from tests.support.servers import NatsServer, free_port
from tests.support.store_server import PASSWORD, StoreServer

EVENTS_EACH = 3
HOUR_NS = 3600 * 1_000_000_000
RECEIVED_NS = (time.time_ns() // HOUR_NS - 48) * HOUR_NS + 240_123_456_789
"""Four minutes past an hour of two days ago."""
SENDER = Sender(org="acme", app="shop", key_id="k1").encode()
FOLDER = Hour(Signal.EVENTS, RECEIVED_NS // HOUR_NS).folder
NEXT_FOLDER = Hour(Signal.EVENTS, RECEIVED_NS // HOUR_NS + 1).folder


def receipt(number: int) -> str:
    """The receipt of the `number`-th frame."""
    return f"018f0000-0000-7000-8000-{number:012d}"


def frame(number: int, *, received_ns: int = RECEIVED_NS, events: int = EVENTS_EACH) -> bytes:
    """One envelope, compressed, as the collector makes it; without events it only counts."""
    listed = [
        {"ts": received_ns // 1_000_000, "name": f"e{number}", "id": str(i)} for i in range(events)
    ]
    envelope = encode_envelope(
        SENDER,
        receipt=receipt(number),
        received_ns=received_ns,
        sent_ms=None,
        outcome=Outcome(events, events) if events else Outcome(2, 0, {"too_late": 2}),
        signal=Signal.EVENTS,
        body=msgspec.json.encode(listed) if events else b"",
    )
    return zstandard.compress(envelope, 1)


def migrate(store: StoreServer) -> None:
    """All migrations, as provisioning would apply them."""
    values = placeholders(Variant.EMBEDDED, database="seamark")
    store.rows("CREATE DATABASE IF NOT EXISTS seamark ENGINE = Atomic")
    for file in read_migrations():
        for statement in statements(file.text, values):
            store.rows(statement)


class ArchiveProcess:
    """`python -m processors.archive`, started on a free port, ended by its pid."""

    def __init__(
        self, server: NatsServer, store: StoreServer, state: Path, **settings: str
    ) -> None:
        self.port = free_port()
        self.log = state.with_name(f"{state.name}.log")
        self._environ = os.environ | {
            "SEAMARK_LOG_URL": server.url,
            "SEAMARK_LOG_PARTITIONS": "1",
            "SEAMARK_STORE_URL": store.url,
            "SEAMARK_STORE_PASSWORD": PASSWORD,
            "SEAMARK_PARENT_PID": str(os.getpid()),
            "SEAMARK_ARCHIVE_PORT": str(self.port),
            "SEAMARK_ARCHIVE_STATE_PATH": str(state),
            "SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.1",
            "SEAMARK_ARCHIVE_LOG_LEVEL": "debug",
            **{f"SEAMARK_ARCHIVE_{name.upper()}": text for name, text in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        """Start it and do not wait."""
        environ = self._environ | {
            f"SEAMARK_ARCHIVE_{name.upper()}": text for name, text in settings.items()
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "processors.archive"], env=environ, stderr=log, stdout=log
            )

    def get(self, path: str) -> tuple[int, str]:
        """One of its routes; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def parts(self) -> dict[str, dict[str, Any]]:
        """/readyz by part."""
        text = self.get("/readyz")[1]
        return {part["name"]: part for part in json.loads(text)["parts"]} if text else {}

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 while there is none."""
        lines = self.get("/metrics")[1].splitlines()
        found = [line for line in lines if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and wait until it is gone; returns the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        return code


async def until(condition: Callable[[], bool], *, within_seconds: float = 30.0) -> None:
    """Return once something is so that tells nobody."""
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


class ArchiveStack:
    """Log, store, files; the process is started by the test, with settings of its own."""

    def __init__(
        self, server: NatsServer, client: NatsClient, store: StoreServer, folder: Path
    ) -> None:
        self.server = server
        self.client = client
        self.store = store
        self.folder = folder
        self.root = folder / "archive"
        self._jetstream = client.jetstream(timeout=5)
        self.processes: list[ArchiveProcess] = []

    def process(self, **settings: str) -> ArchiveProcess:
        """A process on this stack, not yet started."""
        state = self.folder / f"state-{len(self.processes)}"
        made = ArchiveProcess(self.server, self.store, state, **{"url": str(self.root)} | settings)
        self.processes.append(made)
        return made

    async def publish(self, *payloads: bytes, headers: dict[str, str] | None = None) -> None:
        """Messages for the stream of events, one after the other."""
        for payload in payloads:
            await self._jetstream.publish(subject(Signal.EVENTS, 0), payload, headers=headers)

    async def ask(self, sql: str) -> list[list[str]]:
        """Rows of a query in the store."""
        return await asyncio.to_thread(self.store.rows, sql)

    async def archived(self, rows: int, *, within_seconds: float = 60.0) -> None:
        """Return once the manifest's live files hold so many rows; fails when they hold more."""
        deadline = time.monotonic() + within_seconds
        while True:
            ((found,),) = await self.ask(
                "SELECT sum(rows) FROM seamark.archive_files FINAL WHERE state = 'live'"
            )
            if int(found) >= rows:
                assert int(found) == rows
                return
            if time.monotonic() > deadline:
                logs = "\n".join(process.log.read_text()[-3000:] for process in self.processes)
                raise AssertionError(f"{found} of {rows} rows are archived\n{logs}")
            await asyncio.sleep(0.05)

    async def rows_of_receipts(self, rows: int, *, within_seconds: float = 60.0) -> Counter[str]:
        """How many raw rows of each receipt the store has, once there are so many."""
        async with asyncio.timeout(within_seconds):
            while True:
                found = await self.ask("SELECT receipt, count() FROM seamark.events GROUP BY 1")
                if sum(int(count) for _, count in found) >= rows:
                    return Counter({one: int(count) for one, count in found})
                await asyncio.sleep(0.05)

    async def archived_some(self, *, within_seconds: float = 60.0) -> None:
        """Return once there is any file."""
        async with asyncio.timeout(within_seconds):
            while not self.paths():  # noqa: ASYNC110  # a folder has no event
                await asyncio.sleep(0.01)

    async def live(self) -> list[str]:
        """Paths of live files."""
        sql = "SELECT path FROM seamark.archive_files FINAL WHERE state = 'live' ORDER BY path"
        return [path for (path,) in await self.ask(sql)]

    async def settled(self, *, within_seconds: float = 60.0) -> list[str]:
        """The paths, once one merged file is all there is, and the manifest says so."""
        async with asyncio.timeout(within_seconds):
            while len(paths := self.paths()) != 1 or paths != await self.live():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return paths

    def paths(self) -> list[str]:
        """Paths of the files that are there, whatever the manifest says."""
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.glob("signal=*/**/*.parquet")
        )


def receipts(files: Sequence[Path]) -> Counter[str]:
    """How many rows of each receipt there are in Parquet files."""
    found: Counter[str] = Counter()
    for file in files:
        column = pq.read_table(file, columns=["receipt"])["receipt"]
        found.update(str(value) for value in column.to_pylist())
    return found


def expected(numbers: Sequence[int]) -> Counter[str]:
    """What `receipts` should be for these frames, each archived once."""
    return Counter({receipt(number): EVENTS_EACH for number in numbers})


@asynccontextmanager
async def archive_stack(folder: Path) -> AsyncIterator[ArchiveStack]:
    """A stack; its processes are killed at the end if they still run."""
    with (
        NatsServer(folder / "nats") as server,
        StoreServer(folder / "store", fsync="false") as store,
    ):
        client = await connect_log(LogSettings(url=server.url), name="test")
        stack = ArchiveStack(server, client, store, folder)
        try:
            await add_positions(client)
            await add_dead_letters(client)
            for kind in Signal:
                await add_stream(client, stream_name(kind, 0), subject(kind, 0))
            await asyncio.to_thread(migrate, store)
            yield stack
        finally:
            for process in stack.processes:
                process.end(signal.SIGKILL)
            await client.close()
