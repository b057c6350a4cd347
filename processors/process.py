"""What is the same in the process of every sink: its settings, its routes, the log, the streams.

A sink's `__main__` says what it writes to and what else runs beside the streams.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import aiohttp
from nats.aio.client import Client as NatsClient
from prometheus_client import REGISTRY

from processors.blocks.dead_letter_queue import JetStreamDeadLetterQueue
from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.parts import Parts
from processors.blocks.pause import KvPauses
from processors.blocks.positions import KvPositions
from processors.blocks.run import StreamRunner
from processors.blocks.sink import Sink
from processors.blocks.skip import KvSkips
from processors.settings import SinkSettings
from seamark.service import lifecycle, logs
from seamark.service.clickhouse.client import connector
from seamark.service.connections import LogSettings, StoreSettings, connect_log_or_stop
from seamark.service.health import Health
from seamark.service.monitor.server import Monitored, serve_monitor
from seamark.service.monitor.settings import MonitorSettings, load_monitor
from seamark.service.own_telemetry.report import Reported, beside
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import masked
from seamark.service.startup import Startup
from seamark.wire.signals import Signal, stream_name

_S = TypeVar("_S", bound=SinkSettings)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Configuration(Generic[_S]):
    """The settings of the process `processors.<name>`."""

    name: str
    settings: _S
    log: LogSettings
    store: StoreSettings
    own: OwnMetricsSettings
    monitor: MonitorSettings


def configuration(startup: Startup, name: str, cls: type[_S], *, prefix: str) -> Configuration[_S]:
    """Read the environment; what is wrong with it is in `startup.problems`."""
    return Configuration(
        name,
        settings=startup.load(cls, prefix=prefix),
        log=startup.load(LogSettings, prefix="SEAMARK_LOG"),
        store=startup.load(StoreSettings, prefix="SEAMARK_STORE"),
        own=startup.load(OwnMetricsSettings, prefix=OWN_METRICS),
        monitor=load_monitor(startup),
    )


def run(
    told: Configuration[_S],
    serve: Callable[[asyncio.Event], Awaitable[int]],
    *,
    paths: Mapping[str, str],
) -> int:
    """Serve until told to stop, and report own metrics and the disks of `paths` beside it."""
    logs.configure(told.name, level=told.settings.log_level)
    logging.getLogger(f"processors.{told.name}").info(
        "starting",
        extra={
            told.name: masked(told.settings),
            "log": masked(told.log),
            "store": masked(told.store),
            "monitor": masked(told.monitor),
        },
    )
    reported = Reported(told.name, told.settings.port, REGISTRY.collect, paths)
    return lifecycle.run(beside(serve, told.own, reported))


@dataclass(frozen=True, slots=True)
class Connected:
    """What a process has once the log is there. `session` is for the store."""

    name: str
    client: NatsClient
    session: aiohttp.ClientSession
    health: Health
    settings: SinkSettings
    log_settings: LogSettings

    def parts(self, sink: Sink, *, slots: int) -> Parts:
        """What the streams share. `dedup` is to be closed by the caller."""
        return Parts(
            log=JetStreamLog(self.client, self.log_settings, name=f"processors.{self.name}"),
            positions=KvPositions(self.client),
            dead_letter_queue=JetStreamDeadLetterQueue(self.client),
            sink=sink,
            dedup=DedupFolder(self.settings.state_path),
            slots=asyncio.Semaphore(slots),
            health=self.health,
            pauses=KvPauses(self.client, sink.name),
            skips=KvSkips(self.client, sink.name),
            stopped_seconds=self.settings.stopped_seconds,
            limits=self.settings.limits,
            dead_letter_limits=self.settings.dead_letter_limits,
            buffer_bytes=self.settings.buffer_bytes,
        )

    def carry(self, tasks: asyncio.TaskGroup, parts: Parts, stop: asyncio.Event) -> None:
        """Begin to carry every stream, each in a task that ends by `stop`."""
        for signal in Signal:
            for partition in range(self.log_settings.partitions):
                stream = stream_name(signal, partition)
                runner = StreamRunner(signal, stream, parts, stop)
                tasks.create_task(runner.run(), name=stream)


@asynccontextmanager
async def connected(
    name: str,
    settings: SinkSettings,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    stop: asyncio.Event,
    *,
    monitor: MonitorSettings,
    health: Health,
    store_connections: int,
) -> AsyncIterator[Connected | None]:
    """Serve the routes and connect to the log. None when told to stop before it was there."""
    async with (
        serve_monitor(Monitored(health), monitor, port=settings.port) as port,
        aiohttp.ClientSession(
            connector=connector(store_settings, limit=store_connections)
        ) as session,
    ):
        logging.getLogger(f"processors.{name}").info(
            "listening", extra={"host": monitor.host, "port": port}
        )
        client = await connect_log_or_stop(
            log_settings, name=f"processors.{name}", health=health, stop=stop
        )
        if client is None:
            yield None
            return
        try:
            yield Connected(name, client, session, health, settings, log_settings)
        finally:
            await client.close()
