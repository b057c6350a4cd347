"""An export's process that is dead before it was told what to do counts as one that died."""

import contextlib
import threading

import psutil
import uvloop

from api.exports import making
from api.exports.job import ExportJob, ExportProgress, StoreAccess
from api.exports.record import Reading
from api.query.statement import Statement
from seamark.wire.signals import Signal

NOTHING = Statement("SELECT 1", {})
JOB = ExportJob(
    folder="/nowhere",
    form="csv",
    reading=Reading(
        signal=Signal.EVENTS,
        table="events",
        source="store",
        since_ms=0,
        until_ms=1,
        limit=0,
        rows=NOTHING,
        counts=NOTHING,
        files=NOTHING,
    ),
    store=StoreAccess(url="http://127.0.0.1:1", user="", password="", database="", tls_ca=""),
    most_rows=1,
    most_bytes=1,
    slice_rows=1,
    slice_seconds=1,
    memory_bytes=1,
    disk_keep_bytes=0,
)


def test_a_process_killed_at_its_start_is_unavailable() -> None:
    """On uvloop, which the API runs on: it refuses to write to a pipe that was closed."""
    over = threading.Event()

    def kill_all() -> None:
        me = psutil.Process()
        while not over.is_set():
            for child in me.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()

    async def told(said: ExportProgress) -> None:
        raise AssertionError(said)

    async def cancelled() -> bool:
        return False

    async def attempts() -> list[ExportProgress | None]:
        return [await making.make(JOB, told=told, cancelled=cancelled) for _ in range(12)]

    killer = threading.Thread(target=kill_all)
    killer.start()
    try:
        said = uvloop.run(attempts())
    finally:
        over.set()
        killer.join()
    assert [one.failure for one in said if one is not None] == ["unavailable"] * 12
