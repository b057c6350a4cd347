"""`python -m processors.archive`: from the log into Parquet files."""

import asyncio
import logging
import os
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import aiohttp

from processors.archive import metrics
from processors.archive.connection import EngineFailed
from processors.archive.course import RecordedCourse
from processors.archive.intents import KvIntents
from processors.archive.manifest import Manifest
from processors.archive.merging import Limits, Merger
from processors.archive.objects import Objects, open_objects
from processors.archive.settings import ArchiveSettings
from processors.archive.sink import ArchiveSink
from processors.archive.workshop import Workshop
from processors.blocks.dead import JetStreamGrave
from processors.blocks.hold import Hold, KvHold
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.positions import Fenced, KvPositions, PositionsUnavailable
from processors.blocks.run import StreamRunner
from processors.blocks.seen.folder import SeenFolder
from processors.blocks.session import Parts
from processors.blocks.sink import SinkUnavailable
from processors.routes import serve_routes
from seamark.service import lifecycle, logs
from seamark.service.connections import LogSettings, StoreSettings, connect_log, sleep_or_stop
from seamark.service.health import Health
from seamark.service.settings import SettingsError, load, masked
from seamark.wire.signals import Signal, stream_name

logger = logging.getLogger("processors.archive")
_T = TypeVar("_T")
_CHECK_SECONDS: Final = 10.0
_CHECK_DOWN_SECONDS: Final = 1.0


async def watch_files(workshop: Workshop, health: Health, stop: asyncio.Event) -> None:
    """Keep the health part "files" true until told to stop."""
    while not stop.is_set():
        problem = ""
        try:
            await workshop.move(workshop.objects.check)
        except OSError as error:
            problem = f"{type(error).__name__}: {error}"[:300]
        if problem:
            health.down("files", problem)
        else:
            health.up("files")
        await sleep_or_stop(stop, _CHECK_DOWN_SECONDS if problem else _CHECK_SECONDS)


async def merge_regularly(
    merger: Merger, hold: Hold, every_seconds: float, stop: asyncio.Event
) -> None:
    """Merge what is due, for ever; what fails is tried again at the next look."""
    while not await sleep_or_stop(stop, every_seconds):
        try:
            while not stop.is_set() and not await hold.until_ms() and await merger.step():
                pass
        except Fenced:
            logger.info("another process is merging")
        except (
            SinkUnavailable,
            PositionsUnavailable,
            LogLost,
            StreamMissing,
            EngineFailed,
            OSError,
        ) as error:
            metrics.MERGE_FAILURES.labels(type(error).__name__).inc()
            logger.warning("merging is put off", extra={"error": str(error)[:500]})


async def end_when_spent(workshop: Workshop, stop: asyncio.Event) -> None:
    """Stop the process when its engine will not do any more; whoever keeps it starts another."""
    await workshop.spent.wait()
    logger.error("the engine fails again and again; ending, to begin with a new one")
    stop.set()


async def carry(
    settings: ArchiveSettings,
    log_settings: LogSettings,
    parts: Parts,
    merger: Merger,
    stop: asyncio.Event,
) -> None:
    """Every stream, and the merges, until told to stop."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_files(merger.workshop, parts.health, stop), name="files-watch")
        for signal in Signal:
            for partition in range(log_settings.partitions):
                stream = stream_name(signal, partition)
                runner = StreamRunner(signal, stream, parts, stop)
                tasks.create_task(runner.run(), name=stream)
        if settings.merge_bytes:
            merging = tasks.create_task(
                merge_regularly(merger, parts.hold, settings.merge_every_seconds, stop),
                name="merging",
            )
            await stop.wait()
            merging.cancel()  # the record says what is to be finished


async def serve(
    settings: ArchiveSettings,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    stop: asyncio.Event,
    *,
    objects: Objects,
) -> int:
    """Carry every stream until `stop`; returns the exit code."""
    health = Health()
    health.expect("log", "files")
    tls: ssl.SSLContext | bool = True
    if store_settings.tls_ca:
        tls = ssl.create_default_context(cafile=store_settings.tls_ca)
    async with (
        serve_routes(health, host=settings.host, port=settings.port) as port,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
    ):
        logger.info("listening", extra={"host": settings.host, "port": port})
        connecting = asyncio.create_task(
            connect_log(log_settings, name="processors.archive", health=health)
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            return 0
        client = await connecting
        manifest = Manifest(session, store_settings, timeout_seconds=settings.store_timeout_seconds)
        workshop = Workshop(objects, state=Path(settings.state_path), codec=settings.codec)
        sink = ArchiveSink(workshop, manifest)
        parts = Parts(
            log=JetStreamLog(client, log_settings, name="processors.archive"),
            positions=KvPositions(client),
            grave=JetStreamGrave(client),
            sink=sink,
            seen=SeenFolder(settings.state_path),
            slots=asyncio.Semaphore(settings.writes),
            health=health,
            hold=KvHold(client, sink.name),
            limits=settings.limits,
            buffer_bytes=settings.buffer_bytes,
        )
        merger = Merger(
            workshop=workshop,
            manifest=manifest,
            intents=KvIntents(client),
            course=RecordedCourse(parts.positions, parts.log, partitions=log_settings.partitions),
            limits=Limits(settings.merge_bytes, int(settings.merge_after_seconds * 1000)),
        )
        watching = asyncio.create_task(end_when_spent(workshop, stop), name="engine-watch")
        try:
            await carry(settings, log_settings, parts, merger, stop)
        finally:
            watching.cancel()
            stopping.cancel()
            await client.close()
            await asyncio.to_thread(parts.seen.close)
            await asyncio.to_thread(workshop.close)
    return 1 if workshop.spent.is_set() else 0


def _load(cls: type[_T], prefix: str, problems: list[str]) -> _T:
    """The settings of `cls`; what is wrong with them is added to `problems`."""
    try:
        return load(cls, prefix=prefix, environ=os.environ)
    except SettingsError as error:
        problems.append(str(error))
        return cls()


def main() -> int:
    """Read the settings, run, return the exit code."""
    lifecycle.die_with_parent()
    problems: list[str] = []
    settings = _load(ArchiveSettings, "SEAMARK_ARCHIVE", problems)
    log_settings = _load(LogSettings, "SEAMARK_LOG", problems)
    store_settings = _load(StoreSettings, "SEAMARK_STORE", problems)
    objects = None
    if not problems:
        try:
            state = Path(settings.state_path).absolute()
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            objects = open_objects(settings.url, settings.access, state=state)
        except (OSError, ValueError) as error:
            problems.append(f"SEAMARK_ARCHIVE_URL or _STATE_PATH: {error}")
    if objects is None:
        logs.configure("archive")
        logger.critical("wrong settings", extra={"error": "; ".join(problems)})
        return 2
    logs.configure("archive", level=settings.log_level)
    logger.info(
        "starting",
        extra={
            "archive": masked(settings),
            "log": masked(log_settings),
            "store": masked(store_settings),
        },
    )
    run = partial(serve, settings, log_settings, store_settings, objects=objects)
    return lifecycle.run(run)


if __name__ == "__main__":
    sys.exit(main())
