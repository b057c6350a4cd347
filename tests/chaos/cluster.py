"""Seamark's parts started one by one, wired through links that can be slow, cut or half-open.

What `seamark up` cannot be asked for: several nats-servers with streams of three copies, two rows
processors and two archives that fight over the same streams, faults between the parts, and a
collector whose clock jumps. Whatever dies is started again after a moment, as a service manager
would do it.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from seamark.service.connections import LogSettings
from seamark.service.lifecycle import PARENT_VARIABLE
from seamark.standalone import configurations, programs
from seamark.standalone.ports import Ports
from tests.chaos.arena import RUN_VARIABLE, Store, words
from tests.chaos.clock import Clock
from tests.chaos.disk import Disk
from tests.chaos.link import Link
from tests.support.servers import free_port, nats_node
from tests.system.free import free_offset

PASSWORD = "between the parts"
_PAUSE_SECONDS = 0.3
_STOP_SECONDS = 10.0


@dataclass(slots=True)
class Kept:
    """One part: how it is started, and what runs now. `ready_url` answers 200 when it is."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready_url: str = ""
    process: "asyncio.subprocess.Process | None" = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self.process is not None and self.process.returncode is None
        return self.process.pid if running and self.process is not None else None

    async def keep(self, logs: Path) -> None:
        """Start it again and again. Cancelling leaves the process to `end`."""
        while True:
            with (logs / f"{self.name}.log").open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *self.command,
                    env=dict(self.environment),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            await self.process.wait()
            self._kill()  # what it started itself and left behind would hold its ports
            await asyncio.sleep(_PAUSE_SECONDS)

    async def end(self) -> None:
        """SIGTERM, then SIGKILL."""
        if self.process is None:
            return
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _STOP_SECONDS)
        self._kill()
        await self.process.wait()

    def _kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass(slots=True)
class Cluster:
    """`nodes` nats-servers, one store, one Redis, one collector, `rivals` of each processor."""

    data: Path
    nodes: int = 1
    rivals: int = 2
    clock: Clock | None = None
    environment: dict[str, str] = field(default_factory=dict)
    name: str = "cluster"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    disk: Disk | None = None
    bucket: Path | None = None
    """Where the objects of a bucket lie, when `environment` names one for the archive."""
    links: dict[str, Link] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    _ports: Ports = field(default_factory=lambda: Ports(free_offset()))
    _clients: list[int] = field(default_factory=list)
    _monitors: list[int] = field(default_factory=list)
    _parts: dict[str, Kept] = field(default_factory=dict)
    _keeping: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def ingest(self) -> str:
        return f"http://127.0.0.1:{self._ports.collector_http}"

    @property
    def key(self) -> str:
        return str(json.loads((self.data / "credentials.json").read_text())["ingest_key"])

    @property
    def store(self) -> Store:
        return Store(f"http://127.0.0.1:{self._ports.store}", PASSWORD)

    @property
    def log(self) -> LogSettings:
        urls = ",".join(f"nats://127.0.0.1:{port}" for port in self._clients)
        return LogSettings(url=urls, replicas=self._copies)

    @property
    def monitors(self) -> Mapping[str, str]:
        return {
            name: f"http://127.0.0.1:{port}"
            for name, port in zip(self._node_names, self._monitors, strict=True)
        }

    @property
    def archive(self) -> Path:
        return self.bucket or self.data / "archive"

    def has_archive(self) -> bool:
        return importlib.util.find_spec("processors.archive") is not None

    @property
    def _copies(self) -> int:
        return 3 if self.nodes >= 3 else 1

    @property
    def _node_names(self) -> list[str]:
        return [f"nats-{number}" for number in range(1, self.nodes + 1)]

    def pids(self) -> Mapping[str, int]:
        return {name: part.pid for name, part in self._parts.items() if part.pid is not None}

    async def up(self) -> None:
        (self.data / "logs").mkdir(parents=True)
        await self._make_nodes()
        self._add_servers()
        self._keep(*self._parts)
        await self.ready(within_seconds=60)
        await self._provision()
        before = set(self._parts)
        await self._add_parts()
        self._keep(*(name for name in self._parts if name not in before))
        await self.ready(within_seconds=90)

    async def revive(self) -> None:
        """Nothing to do: every part is kept."""

    async def ready(self, *, within_seconds: float) -> None:
        waiting = {name for name, part in self._parts.items() if part.ready_url}
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                asyncio.timeout(within_seconds),
                aiohttp.ClientSession(timeout=timeout) as session,
            ):
                while waiting:
                    waiting -= {name for name in waiting if await self._answers(session, name)}
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(
                f"after {within_seconds:.0f} s not ready: {sorted(waiting)}\n{self.last_words()}"
            ) from None

    async def _answers(self, session: aiohttp.ClientSession, name: str) -> bool:
        try:
            async with session.get(self._parts[name].ready_url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def down(self) -> None:
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await asyncio.gather(*(part.end() for part in self._parts.values()))
        for link in self.links.values():
            await link.stop()

    def last_words(self) -> str:
        return words(self.data / "logs", [])

    def _keep(self, *names: str) -> None:
        logs = self.data / "logs"
        self._keeping += [asyncio.create_task(self._parts[name].keep(logs)) for name in names]

    async def _link(self, name: str, port: int) -> int:
        """The port of a new link of this name."""
        self.links[name] = link = await Link(port).start()
        return link.port

    async def _make_nodes(self) -> None:
        """Configurations of the nats-servers; each reaches each other one over its own link."""
        routes = [free_port() for _ in range(self.nodes)]
        for number, name in enumerate(self._node_names):
            client, monitor = free_port(), free_port()
            self._clients.append(client)
            self._monitors.append(monitor)
            others = [
                await self._link(f"{name}>{other}", routes[index])
                for index, other in enumerate(self._node_names)
                if other != name
            ]
            config = nats_node(
                self.data / name,
                name=name,
                port=client,
                monitor_port=monitor,
                cluster_port=routes[number] if self.nodes > 1 else 0,
                routes=others,
            )
            command = self._guarded(programs.nats_server(), "-c", str(config))
            url = f"http://127.0.0.1:{monitor}/healthz"
            self._parts[name] = Kept(name, command, self._environ({}), url)

    def _guarded(self, *command: str) -> tuple[str, ...]:
        return (sys.executable, "-P", "-m", "seamark.standalone.guard", *command)

    def _environ(self, wired: Mapping[str, str]) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")}
        ours = {RUN_VARIABLE: self.run, PARENT_VARIABLE: str(os.getpid())}
        return plain | self.environment | ours | dict(wired)

    def _module(self, name: str, path: str, wired: Mapping[str, str], ready_url: str) -> None:
        command = (sys.executable, "-P", "-m", path)
        self._parts[name] = Kept(name, command, self._environ(wired), ready_url)

    def _add_servers(self) -> None:
        folder = self.data / "redis"
        folder.mkdir()
        config = folder / "redis.conf"
        config.write_text(configurations.redis(self._ports, folder=folder, password=PASSWORD))
        command = self._guarded(programs.redis_server(), str(config))
        self._parts["redis"] = Kept("redis", command, self._environ({}))
        wired = {
            "SEAMARK_STORE_SERVER_PATH": str(self.data / "store"),
            "SEAMARK_STORE_SERVER_PORT": str(self._ports.store),
            "SEAMARK_STORE_SERVER_PASSWORD": PASSWORD,
        }
        self._module("store", "seamark.standalone.store", wired, f"{self.store.url}/ping")

    async def _provision(self) -> None:
        wired = {
            **self._log_variables(self.log.url),
            **self._store_variables(self._ports.store),
            "SEAMARK_PROVISION_CREDENTIALS": str(self.data / "credentials.json"),
            "SEAMARK_PROVISION_STORE_VARIANT": "embedded",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "provisioning"),
            env=self._environ(wired),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()

    def _log_variables(self, url: str) -> dict[str, str]:
        return {
            "SEAMARK_LOG_URL": url,
            "SEAMARK_LOG_MONITOR_URL": f"http://127.0.0.1:{self._monitors[0]}",
            "SEAMARK_LOG_REPLICAS": str(self._copies),
            "SEAMARK_LOG_MAX_BYTES": str(256 * 1024 * 1024),
        }

    def _store_variables(self, port: int) -> dict[str, str]:
        return {
            "SEAMARK_STORE_URL": f"http://127.0.0.1:{port}",
            "SEAMARK_STORE_PASSWORD": PASSWORD,
        }

    async def _linked_log(self, part: str) -> dict[str, str]:
        """The log as `part` sees it: one link for each nats-server."""
        ports = [
            await self._link(f"{part}>{node}", port)
            for node, port in zip(self._node_names, self._clients, strict=True)
        ]
        return self._log_variables(",".join(f"nats://127.0.0.1:{port}" for port in ports))

    async def _linked_store(self, part: str) -> dict[str, str]:
        return self._store_variables(await self._link(f"{part}>store", self._ports.store))

    async def _add_parts(self) -> None:
        ports = self._ports
        collector = await self._linked_log("collector") | {
            "SEAMARK_COLLECTOR_PORT": str(ports.collector_http),
            "SEAMARK_COLLECTOR_MONITOR_PORT": str(ports.collector_monitor),
            "SEAMARK_COLLECTOR_GRPC_PORT": str(ports.collector_grpc),
            "SEAMARK_COLLECTOR_SPOOL_PATH": str(self.data / "spool"),
            **(self.clock.environment if self.clock is not None else {}),
        }
        self._module("collector", "collector", collector, f"{self.ingest}/readyz")
        redis = await self._link("api>redis", ports.redis)
        api = (
            await self._linked_log("api")
            | await self._linked_store("api")
            | {
                "SEAMARK_CACHE_URL": f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{redis}/0",
                "SEAMARK_API_PORT": str(ports.api),
                "SEAMARK_API_GRPC_PORT": "0",
                "SEAMARK_API_MONITOR_PORT": str(ports.api_monitor),
            }
        )
        self._module("api", "api", api, f"http://127.0.0.1:{ports.api}/readyz")
        for kind in ("rows", "archive") if self.has_archive() else ("rows",):
            for number in range(1, self.rivals + 1):
                await self._add_processor(kind, number)

    async def _add_processor(self, kind: str, number: int) -> None:
        name, port = f"{kind}-{number}", free_port()
        prefix = f"SEAMARK_{kind.upper()}"
        wired = (
            await self._linked_log(name)
            | await self._linked_store(name)
            | {f"{prefix}_PORT": str(port), f"{prefix}_STATE_PATH": str(self.data / name)}
        )
        if kind == "archive" and self.bucket is None:
            wired["SEAMARK_ARCHIVE_URL"] = str(self.archive)
        url = f"http://127.0.0.1:{port}/readyz"
        self._module(name, f"processors.{kind}", wired, url)
