"""Several collector processes on the same ports: a parent that starts, watches and stops them.

Each child is a fresh `python -m collector` (never a fork of a running loop) told by the environment
that it is one. The kernel spreads connections over them (SO_REUSEPORT). A child that dies is
started again, later each time it dies young.
"""

import asyncio
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Final

from prometheus_client import multiprocess

from seamark.service.connections import sleep_or_stop
from seamark.service.lifecycle import PARENT_VARIABLE
from seamark.service.own_telemetry.report import STARTED_VARIABLE

logger = logging.getLogger(__name__)
CHILD_VARIABLE: Final = "SEAMARK_COLLECTOR_CHILD"
"""Set for a child: its number, from 0."""
METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_YOUNG_SECONDS: Final = 10.0


async def run_children(
    count: int, *, environ: Mapping[str, str], stop: asyncio.Event, stop_seconds: float
) -> int:
    """Keep `count` children running until `stop` is set; then end them, and return 0.

    A child is asked to stop, and killed `stop_seconds` later.
    """
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="seamark-collector-")
    shared = {
        **environ,
        PARENT_VARIABLE: str(os.getpid()),
        METRICS_VARIABLE: folder,
        STARTED_VARIABLE: str(time.time_ns()),
    }
    try:
        await asyncio.gather(
            *(
                _keep_running(
                    {**shared, CHILD_VARIABLE: str(number)},
                    metrics_folder=folder,
                    stop=stop,
                    stop_seconds=stop_seconds,
                )
                for number in range(count)
            )
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return 0


async def _keep_running(
    environ: Mapping[str, str], *, metrics_folder: str, stop: asyncio.Event, stop_seconds: float
) -> None:
    number = environ[CHILD_VARIABLE]
    pause = _FIRST_PAUSE
    while not stop.is_set():
        started = time.monotonic()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "collector", env=dict(environ)
        )
        await _until_ended(child, stop=stop, stop_seconds=stop_seconds)
        multiprocess.mark_process_dead(child.pid, metrics_folder)  # type: ignore[no-untyped-call]
        if stop.is_set():
            return
        pause = _FIRST_PAUSE if time.monotonic() - started > _YOUNG_SECONDS else pause * 2
        pause = min(pause, _LONGEST_PAUSE)
        logger.error(
            "a collector process ended; starting it again",
            extra={"child": number, "exit_code": child.returncode, "pause_seconds": pause},
        )
        await sleep_or_stop(stop, pause)


async def _until_ended(
    child: asyncio.subprocess.Process, *, stop: asyncio.Event, stop_seconds: float
) -> None:
    """Wait until the child has ended, by itself or because `stop` was set."""
    ended = asyncio.ensure_future(child.wait())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        child.terminate()
        await asyncio.wait({ended}, timeout=stop_seconds)
    if not ended.done():
        logger.error("a collector process did not stop in time; killed", extra={"pid": child.pid})
        child.kill()
    await ended
