"""`python -m processors.rows`: from the log into the store."""

import asyncio
import logging
import os
import ssl
import sys
from functools import partial
from typing import Final, TypeVar

import aiohttp

from processors.blocks.dead import JetStreamGrave
from processors.blocks.hold import KvHold
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.positions import KvPositions
from processors.blocks.run import StreamRunner
from processors.blocks.seen.folder import SeenFolder
from processors.blocks.session import Parts
from processors.routes import serve_routes
from processors.rows.settings import RowsSettings
from processors.rows.store import StoreSink
from seamark.service import lifecycle, logs
from seamark.service.connections import LogSettings, StoreSettings, connect_log, sleep_or_stop
from seamark.service.health import Health
from seamark.service.settings import SettingsError, load, masked
from seamark.wire.signals import Signal, stream_name

logger = logging.getLogger("processors.rows")
_T = TypeVar("_T")
_PING_SECONDS: Final = 5.0
_PING_DOWN_SECONDS: Final = 0.5


async def watch_store(sink: StoreSink, health: Health, stop: asyncio.Event) -> None:
    """Keep the health part "store" true until told to stop."""
    while not stop.is_set():
        problem = await sink.ping()
        if problem:
            health.down("store", problem)
        else:
            health.up("store")
        await sleep_or_stop(stop, _PING_DOWN_SECONDS if problem else _PING_SECONDS)


async def serve(
    settings: RowsSettings,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    stop: asyncio.Event,
) -> int:
    """Carry every stream until `stop`; returns the exit code."""
    health = Health()
    health.expect("log", "store")
    tls: ssl.SSLContext | bool = True
    if store_settings.tls_ca:
        tls = ssl.create_default_context(cafile=store_settings.tls_ca)
    async with (
        serve_routes(health, host=settings.host, port=settings.port) as port,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=settings.inserts + 1)
        ) as session,
    ):
        logger.info("listening", extra={"host": settings.host, "port": port})
        connecting = asyncio.create_task(
            connect_log(log_settings, name="processors.rows", health=health)
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            return 0
        client = await connecting
        seen = SeenFolder(settings.state_path)
        sink = StoreSink(session, store_settings, timeout_seconds=settings.insert_timeout_seconds)
        parts = Parts(
            log=JetStreamLog(client, log_settings, name="processors.rows"),
            positions=KvPositions(client),
            grave=JetStreamGrave(client),
            sink=sink,
            seen=seen,
            slots=asyncio.Semaphore(settings.inserts),
            health=health,
            hold=KvHold(client, sink.name),
            limits=settings.limits,
            buffer_bytes=settings.buffer_bytes,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(watch_store(sink, health, stop), name="store-watch")
                for signal in Signal:
                    for partition in range(log_settings.partitions):
                        stream = stream_name(signal, partition)
                        runner = StreamRunner(signal, stream, parts, stop)
                        tasks.create_task(runner.run(), name=stream)
        finally:
            stopping.cancel()
            await client.close()
            await asyncio.to_thread(seen.close)
    return 0


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
    settings = _load(RowsSettings, "SEAMARK_ROWS", problems)
    log_settings = _load(LogSettings, "SEAMARK_LOG", problems)
    store_settings = _load(StoreSettings, "SEAMARK_STORE", problems)
    if problems:
        logs.configure("rows")
        logger.critical("wrong settings", extra={"error": "; ".join(problems)})
        return 2
    logs.configure("rows", level=settings.log_level)
    logger.info(
        "starting",
        extra={
            "rows": masked(settings),
            "log": masked(log_settings),
            "store": masked(store_settings),
        },
    )
    return lifecycle.run(partial(serve, settings, log_settings, store_settings))


if __name__ == "__main__":
    sys.exit(main())
