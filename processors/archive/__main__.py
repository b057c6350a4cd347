"""`python -m processors.archive`: from the log into Parquet files."""

import asyncio
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Final

from processors.archive import metrics
from processors.archive.connection import EngineFailed
from processors.archive.engine_threads import EngineThreads
from processors.archive.intents import KvIntents
from processors.archive.manifest import Manifest
from processors.archive.merging import MergeLimits, Merger
from processors.archive.objects import Objects, open_objects
from processors.archive.progress import RecordedProgress
from processors.archive.settings import ArchiveSettings
from processors.archive.sink import ArchiveSink
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.parts import Parts
from processors.blocks.pause import Pauses
from processors.blocks.positions import Fenced, PositionsUnavailable
from processors.blocks.sink import SinkUnavailable
from processors.process import Connected, configuration, connected, run
from seamark.service import lifecycle
from seamark.service.connections import LogSettings, StoreSettings, sleep_or_stop
from seamark.service.health import Health
from seamark.service.monitor.settings import ON_LOOPBACK, MonitorSettings
from seamark.service.settings import SettingsError
from seamark.service.startup import Startup
from seamark.service.tls import check_ca

logger = logging.getLogger("processors.archive")
_STORE_CONNECTIONS: Final = 100
_CHECK_SECONDS: Final = 10.0
_CHECK_DOWN_SECONDS: Final = 1.0


async def watch_files(engine_threads: EngineThreads, health: Health, stop: asyncio.Event) -> None:
    """Keep the health part "files" true until told to stop."""
    while not stop.is_set():
        problem = ""
        try:
            await engine_threads.move(engine_threads.objects.check)
        except OSError as error:
            problem = f"{type(error).__name__}: {error}"[:300]
        if problem:
            health.down("files", problem)
        else:
            health.up("files")
        await sleep_or_stop(stop, _CHECK_DOWN_SECONDS if problem else _CHECK_SECONDS)


async def merge_regularly(
    merger: Merger, pauses: Pauses, every_seconds: float, stop: asyncio.Event
) -> None:
    """Merge what is due, for ever; what fails is tried again at the next look."""
    while not await sleep_or_stop(stop, every_seconds):
        try:
            while not stop.is_set() and not await pauses.until_ms() and await merger.step():
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


async def end_when_engine_failed(engine_threads: EngineThreads, stop: asyncio.Event) -> None:
    """Stop the process when its engine has failed; the supervisor starts another process."""
    await engine_threads.engine_failed.wait()
    logger.error("the engine fails repeatedly; ending, so that a new process opens another one")
    stop.set()


async def carry(
    process: Connected,
    settings: ArchiveSettings,
    parts: Parts,
    merger: Merger,
    stop: asyncio.Event,
) -> None:
    """Every stream, and the merges, until told to stop."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            watch_files(merger.engine_threads, parts.health, stop), name="files-watch"
        )
        process.carry(tasks, parts, stop)
        if settings.merge_bytes:
            merging = tasks.create_task(
                merge_regularly(merger, parts.pauses, settings.merge_every_seconds, stop),
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
    monitor: MonitorSettings = ON_LOOPBACK,
) -> int:
    """Carry every stream until `stop`; returns the exit code."""
    health = Health()
    health.expect("log", "files")
    async with connected(
        "archive",
        settings,
        log_settings,
        store_settings,
        stop,
        monitor=monitor,
        health=health,
        store_connections=_STORE_CONNECTIONS,
    ) as process:
        if process is None:
            return 0
        manifest = Manifest(
            process.session, store_settings, timeout_seconds=settings.store_timeout_seconds
        )
        engine_threads = EngineThreads(
            objects,
            state=Path(settings.state_path),
            codec=settings.codec,
            memory_bytes=settings.engine_bytes,
        )
        parts = process.parts(ArchiveSink(engine_threads, manifest), slots=settings.writes)
        merger = Merger(
            engine_threads=engine_threads,
            manifest=manifest,
            intents=KvIntents(process.client),
            progress=RecordedProgress(
                parts.positions, parts.log, partitions=log_settings.partitions
            ),
            limits=MergeLimits(settings.merge_bytes, int(settings.merge_after_seconds * 1000)),
        )
        watching = asyncio.create_task(
            end_when_engine_failed(engine_threads, stop), name="engine-watch"
        )
        try:
            await carry(process, settings, parts, merger, stop)
        finally:
            watching.cancel()
            await asyncio.to_thread(parts.dedup.close)
            await asyncio.to_thread(engine_threads.close)
    return 1 if engine_threads.engine_failed.is_set() else 0


def _objects(settings: ArchiveSettings) -> Objects:
    """Where the files go. Raises SettingsError."""
    try:
        state = Path(settings.state_path).absolute()
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_objects(settings.url, settings.access, state=state)
    except (OSError, ValueError) as error:
        raise SettingsError(f"SEAMARK_ARCHIVE_URL or _STATE_PATH: {error}") from error


def main() -> int:
    """Read the settings, run, return the exit code."""
    lifecycle.die_with_parent()
    startup = Startup("archive", environ=os.environ)
    told = configuration(startup, "archive", ArchiveSettings, prefix="SEAMARK_ARCHIVE")
    settings = told.settings
    objects = startup.check(lambda: _objects(settings))
    startup.check(lambda: check_ca(settings.s3_tls_ca, name="SEAMARK_ARCHIVE_S3_TLS_CA"))
    if startup.problems or objects is None:
        return startup.refuse()
    lifecycle.lower_priority(settings.nice)
    paths = {"dedup of archive": settings.state_path}
    if "://" not in settings.url:
        paths["archive"] = settings.url
    started = partial(serve, settings, told.log, told.store, objects=objects, monitor=told.monitor)
    return run(told, started, paths=paths)


if __name__ == "__main__":
    sys.exit(main())
