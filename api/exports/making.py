"""One attempt at one export: its process is started, read from, and ended. For the event loop."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from api.exports.job import ExportJob, ExportProgress
from seamark.service.lifecycle import PARENT_VARIABLE

_COMMAND: Final = (sys.executable, "-P", "-m", "api.exports.worker")
_LOOK_SECONDS: Final = 0.5


async def make(
    job: ExportJob,
    *,
    told: Callable[[ExportProgress], Awaitable[None]],
    cancelled: Callable[[], Awaitable[bool]],
) -> ExportProgress | None:
    """Make the file; returns the last progress, or None once `cancelled` is true.

    `told` is called with each progress. A process that ends without a last line counts as
    `unavailable`: it was killed, or the machine had no room for it. Cancelling this ends it.
    """
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {PARENT_VARIABLE: str(os.getpid())},
    )
    try:
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        # It may be dead already, for which uvloop has an error of its own; what it says tells.
        with contextlib.suppress(ConnectionError, RuntimeError):
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            await process.stdin.drain()
        return await _listen(process.stdout, told, cancelled)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listen(
    lines: asyncio.StreamReader,
    told: Callable[[ExportProgress], Awaitable[None]],
    cancelled: Callable[[], Awaitable[bool]],
) -> ExportProgress | None:
    reading = asyncio.ensure_future(lines.readline())
    try:
        while True:
            await asyncio.wait({reading}, timeout=_LOOK_SECONDS)
            if await cancelled():
                return None
            if not reading.done():
                continue
            line = reading.result()
            if not line:
                return ExportProgress(
                    failure="unavailable",
                    message="The process that made it ended before it was done; the log of the "
                    "API says more.",
                )
            said = msgspec.json.decode(line, type=ExportProgress)
            if said.done or said.failure:
                return said
            await told(said)
            reading = asyncio.ensure_future(lines.readline())
    finally:
        reading.cancel()
