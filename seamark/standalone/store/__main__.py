"""`python -m seamark.standalone.store`: own a data folder, answer on SEAMARK_STORE_SERVER_PORT.

Exit codes: 0 stopped as told; 1 something would not end, or the engine has to be opened anew; 2 it
could not begin (one log line says why: wrong settings, the folder or the port in use, no engine).
"""

import asyncio
import logging
import os
import ssl
import sys
from functools import partial
from pathlib import Path

from aiohttp import web
from prometheus_client import REGISTRY

from seamark.service import lifecycle, logs
from seamark.service.own_telemetry.report import Reported, beside
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import masked
from seamark.service.startup import Startup
from seamark.service.tls import server_context
from seamark.standalone.store.engine import StoreEngine
from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.folder import FolderInUse, StoreFolder
from seamark.standalone.store.http import StoreService
from seamark.standalone.store.opening import open_repaired
from seamark.standalone.store.parts.engine_parts import EngineParts
from seamark.standalone.store.parts.watch import PartWatch
from seamark.standalone.store.settings import StoreServerSettings

logger = logging.getLogger("seamark.standalone.store")
_LONGEST_URL = 1024 * 1024  # ClickHouse's http_max_uri_size


async def serve(
    settings: StoreServerSettings,
    folder: StoreFolder,
    tls: ssl.SSLContext | None,
    stop: asyncio.Event,
) -> int:
    """Open the engine, answer until `stop`, close it. Returns the exit code."""
    loop = asyncio.get_running_loop()
    try:
        engine = await asyncio.to_thread(open_repaired, folder)
    except (StoreError, ImportError, OSError) as error:
        logger.critical("the engine did not open", extra={"error": str(error)})
        return 2
    parts = PartWatch(
        EngineParts(engine), folder.path, settings.check_bytes_per_second, settings.check_seconds
    )
    await asyncio.to_thread(parts.look)  # before anything changes: what was there is compared
    service = StoreService(engine, settings, parts)
    runner = web.AppRunner(
        service.application(),
        access_log=None,
        handler_cancellation=True,  # a client that goes away cancels its handler
        auto_decompress=False,  # bodies are many zstd frames, unpacked in the worker threads
        max_line_size=_LONGEST_URL,
        max_field_size=_LONGEST_URL,
        shutdown_timeout=0.5,
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls)
    code = 0
    try:
        await site.start()
    except OSError as error:
        logger.critical(
            "cannot listen",
            extra={"host": settings.host, "port": settings.port, "error": error.strerror},
        )
        code = 2
    else:
        logger.info(
            "ready",
            extra={"host": settings.host, "port": settings.port, "engine": engine.version},
        )
        sweeping = loop.create_task(service.sweep(), name="session-sweep")
        watching = loop.create_task(service.watch_parts(), name="parts-watch")
        if await _doubted(service, stop):
            logger.error("the disk is full, or failed an insert; ending, to open the engine anew")
            code = 1
        sweeping.cancel()
        watching.cancel()
        await site.stop()
    left = await service.drain()
    await runner.cleanup()
    if left:
        logger.error("the engine would not stop", extra={"requests": left})
        os._exit(1)  # threads in the engine cannot be ended, and waiting for them is for ever
    await asyncio.to_thread(_close, service, engine)
    return code


async def _doubted(service: StoreService, stop: asyncio.Event) -> bool:
    """Wait until told to stop, or until the engine has to be opened anew; whether it has to."""
    waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(service.doubt.wait())]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return service.doubt.is_set()


def _close(service: StoreService, engine: StoreEngine) -> None:
    service.close()
    engine.close()


def main() -> int:
    """Read the settings, take and repair the folder, serve; returns the exit code."""
    lifecycle.die_with_parent()
    logs.configure("store")
    startup = Startup("store", environ=os.environ)
    prefix = "SEAMARK_STORE_SERVER"
    settings = startup.load(StoreServerSettings, prefix=prefix)
    startup.check(settings.check)
    own = startup.load(OwnMetricsSettings, prefix=OWN_METRICS)
    tls = startup.check(lambda: server_context(settings.tls_cert, settings.tls_key, prefix=prefix))
    if startup.problems:
        return startup.refuse()
    logs.configure("store", level=settings.log_level)
    logger.info("starting", extra={"settings": masked(settings)})
    folder = StoreFolder(Path(settings.path).expanduser().absolute())
    try:
        held = folder.hold()
        folder.prepare(settings)
    except FolderInUse as error:
        logger.critical(str(error))
        return 2
    except OSError as error:
        logger.critical("the data folder cannot be used", extra={"error": str(error)})
        return 2
    with held:
        reported = Reported("store", settings.port, REGISTRY.collect, {"store": settings.path})
        return lifecycle.run(beside(partial(serve, settings, folder, tls), own, reported))


if __name__ == "__main__":
    sys.exit(main())
