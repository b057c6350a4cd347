"""The life of one process: start, be ready, be told to stop, stop within a deadline.

Every process has the same anatomy: settings are checked and refused at once (`startup`), what is
started is put on a `Started`, which releases it in reverse order however the start or the serving
ends: first what takes requests, then what has to be flushed, then connections.

`run(main)` gives `main` an `asyncio.Event` that is set on SIGTERM or SIGINT. A process started by
the supervisor calls `die_with_parent` first, so that a killed supervisor leaves no orphan.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol

import uvloop

logger = logging.getLogger(__name__)
_PR_SET_PDEATHSIG: Final = 1
PARENT_VARIABLE: Final = "SEAMARK_PARENT_PID"
"""Set by the supervisor: the pid whose death this process must not outlive."""


class Startable(Protocol):
    """What is started once and stopped once; `stop` is harmless after a start that failed."""

    async def start(self) -> Any:
        """Begin. Raises what forbids it."""

    async def stop(self) -> Any:
        """Refuse, flush, release."""


class Started(contextlib.AsyncExitStack):
    """What a process has started; left in reverse order, each part whatever the others do."""

    async def start(self, part: Startable) -> None:
        """Start a part. It is stopped in the end, and when its start fails half-way."""
        self.push_async_callback(part.stop)
        await part.start()

    def run(self, task: "asyncio.Task[Any]") -> None:
        """Cancel a task in the end, and wait for it."""
        self.push_async_callback(_cancelled, task)


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the supervisor dies; watch the parent where it cannot.

    Does nothing unless SEAMARK_PARENT_PID is set. Survives `exec`. Source: prctl(2).
    """
    text = os.environ.get(PARENT_VARIABLE)
    if not text:
        return
    parent = int(text)
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died between our start and the request
            os.kill(os.getpid(), signal.SIGKILL)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def run(main: Callable[[asyncio.Event], Awaitable[int]], *, deadline_seconds: float = 8.0) -> int:
    """Run `main(stop)` on uvloop and return its exit code. Blocks until it has returned.

    The first signal sets `stop`; if `main` has not returned `deadline_seconds` later, it is
    cancelled and the exit code is 1.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_supervise(main, deadline_seconds))


async def _supervise(
    main: Callable[[asyncio.Event], Awaitable[int]], deadline_seconds: float
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    body = asyncio.ensure_future(main(stop))
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait({body, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if body.done():
        return await body
    done, _ = await asyncio.wait({body}, timeout=deadline_seconds)
    if not done:
        logger.error("did not stop in time", extra={"deadline_seconds": deadline_seconds})
        body.cancel()
        await asyncio.wait({body}, timeout=1.0)
        return 1
    return await body


def lower_priority(by: int) -> None:
    """Let other processes go first on a busy machine, as nice(1) does.

    Where the kernel schedules by session (sched_autogroup, Linux), a process's own niceness counts
    only within its session, so the session's is set as well when the process leads it.
    Source: sched(7), "The autogroup feature".
    """
    os.nice(by)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(by))
