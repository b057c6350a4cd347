"""Starting processes and hearing of their end. For the main thread of a process only.

The main thread, because the kernel's promise to kill a child with its parent is tied to the
*thread* that started it (prctl(2), PR_SET_PDEATHSIG), and because signals are handled there.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Running:
    """One started process. `ended` resolves to its exit code (-n: killed by signal n)."""

    process: subprocess.Popen[bytes]
    ended: asyncio.Future[int]

    @property
    def pid(self) -> int:
        return self.process.pid

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM); nothing happens when it already has."""
        self.process.terminate()

    def kill(self) -> None:
        """End it and whatever it started in its session (SIGKILL)."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


class Processes:
    """The children of this process. Takes over SIGCHLD of the running loop while in use."""

    def __init__(self) -> None:
        self._running: list[Running] = []

    def __enter__(self) -> "Processes":
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> Running:
        """Start `command` in a session of its own, its output appended to `log`.

        Raises OSError when it cannot be executed.
        """
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
            )
        running = Running(process, asyncio.get_running_loop().create_future())
        self._running.append(running)
        return running

    def _reap(self) -> None:
        for running in list(self._running):
            code = running.process.poll()
            if code is None:
                continue
            self._running.remove(running)
            # What it started itself and left behind would hold its ports.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(running.pid, signal.SIGKILL)
            if not running.ended.done():
                running.ended.set_result(code)
