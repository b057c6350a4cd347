"""`python -m processors.rows`: from the log into the store."""

import asyncio
import contextlib
import os
import sys
from functools import partial
from typing import Final

from processors.blocks.sink import SinkRejected, SinkUnavailable
from processors.process import configuration, connected, run
from processors.rows.settings import RowsSettings
from processors.rows.store import StoreSink
from seamark.service import lifecycle
from seamark.service.connections import LogSettings, StoreSettings, sleep_or_stop
from seamark.service.health import Health
from seamark.service.monitor.settings import ON_LOOPBACK, MonitorSettings
from seamark.service.startup import Startup

_PING_SECONDS: Final = 5.0
_PING_DOWN_SECONDS: Final = 0.5


async def watch_store(sink: StoreSink, health: Health, stop: asyncio.Event) -> None:
    """Keep the health part "store" true, and what it lost, until told to stop."""
    while not stop.is_set():
        problem = await sink.ping()
        if problem:
            health.down("store", problem)
        else:
            health.up("store")
            with contextlib.suppress(SinkUnavailable, SinkRejected):  # not provisioned yet, or busy
                health.degrade("damaged parts", await sink.damage())
        await sleep_or_stop(stop, _PING_DOWN_SECONDS if problem else _PING_SECONDS)


async def serve(
    settings: RowsSettings,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    stop: asyncio.Event,
    *,
    monitor: MonitorSettings = ON_LOOPBACK,
) -> int:
    """Carry every stream until `stop`; returns the exit code."""
    health = Health()
    health.expect("log", "store")
    async with connected(
        "rows",
        settings,
        log_settings,
        store_settings,
        stop,
        monitor=monitor,
        health=health,
        store_connections=settings.inserts + 1,
    ) as process:
        if process is None:
            return 0
        sink = StoreSink(
            process.session, store_settings, timeout_seconds=settings.insert_timeout_seconds
        )
        parts = process.parts(sink, slots=settings.inserts)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(watch_store(sink, health, stop), name="store-watch")
                process.carry(tasks, parts, stop)
        finally:
            await asyncio.to_thread(parts.dedup.close)
    return 0


def main() -> int:
    """Read the settings, run, return the exit code."""
    lifecycle.die_with_parent()
    startup = Startup("rows", environ=os.environ)
    told = configuration(startup, "rows", RowsSettings, prefix="SEAMARK_ROWS")
    if startup.problems:
        return startup.refuse()
    return run(
        told,
        partial(serve, told.settings, told.log, told.store, monitor=told.monitor),
        paths={"dedup of rows": told.settings.state_path},
    )


if __name__ == "__main__":
    sys.exit(main())
