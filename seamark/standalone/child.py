"""One part kept running: started, asked whether it is ready, started again when it dies."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from seamark.service.settings import SettingsError
from seamark.standalone import journal
from seamark.standalone.backoff import Backoff
from seamark.standalone.parts import StackPart
from seamark.standalone.processes import Processes, Running

CONFIGURATION_ERROR: Final = 2
"""Exit code of a process that will never start with the settings it was given."""
_CRASHES_AT_FIRST: Final = 5
_EAGER_SECONDS: Final = 0.05
_STEADY_SECONDS: Final = 1.0
_SETTLED_SECONDS: Final = 1.0


class PartFailed(Exception):
    """A part that never became ready; the message is for the person who started the stack."""

    def __init__(self, message: str, *, configuration: bool) -> None:
        super().__init__(message)
        self.configuration = configuration


@dataclass(slots=True, eq=False)
class Child:
    """A part and its process. `ready` and `since` (epoch seconds) are what `status` shows.

    `changed` is called when either changes; `say` is given sentences for the person watching.
    """

    part: StackPart
    processes: Processes
    log: Path
    changed: Callable[[], None]
    say: Callable[[str], None]
    ready: bool = False
    since: float = field(default_factory=time.time)
    running: Running | None = None
    started: asyncio.Future[float] = field(init=False)
    """Resolves to the seconds until it was first ready; fails with PartFailed."""
    _backoff: Backoff = field(default_factory=Backoff)
    _began: float = 0.0
    _crashes: int = 0

    def __post_init__(self) -> None:
        self.started = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """The process id, or None while it does not run."""
        return self.running.pid if self.running is not None else None

    async def keep(self) -> None:
        """Keep the part running until cancelled, or until `started` has failed.

        Cancelling leaves the process to `end`.
        """
        journal.turn(self.log)
        self._began = time.monotonic()
        while True:
            code, ending = await self._live()
            if self.part.once and code == 0:
                self._become(True)
                return
            healthy = time.time() - self.since if self.ready else 0.0
            self._become(False)
            if not self.started.done() and (failure := self._hopeless(code, ending)):
                self.started.set_exception(failure)
                return
            delay = self._backoff.after(healthy)
            why = f": {journal.last_sentence(self.log)}" if code > 0 else ""
            self.say(f"{self.part.name} {ending}{why}; starting again in {delay:.1f} s")
            await asyncio.sleep(delay)

    async def _live(self) -> tuple[int, str]:
        """One life of the process: its exit code, and in words how it ended."""
        try:
            environment = self.part.environment()
            running = self.processes.start(self.part.command, environment=environment, log=self.log)
        except OSError as error:  # no memory, no descriptors: it may be better in a moment
            return 1, f"cannot be started: {error.strerror}"
        except SettingsError as error:
            return 1, f"cannot be started: {error}"
        self.running = running
        self.changed()
        polling = asyncio.create_task(self._poll(running))
        try:
            code = await asyncio.shield(running.ended)
        finally:
            polling.cancel()
        self.running = None
        return code, _ending(code)

    async def _poll(self, running: Running) -> None:
        if self.part.once:
            return
        if self.part.probe is None:
            await asyncio.sleep(_SETTLED_SECONDS)  # what cannot be asked has to last a little
        settled = False
        while True:
            ready = self.part.probe is None or await self.part.probe()
            if running.ended.done():
                return
            self._become(ready)
            if settled and not ready and self.part.stuck is not None and await self.part.stuck():
                self.say(f"{self.part.name} does not go on by itself; ending it")
                running.terminate()
                return
            settled = settled or ready
            # There is nothing to wait for: the others cannot tell us that they are ready.
            await asyncio.sleep(_STEADY_SECONDS if settled else _EAGER_SECONDS)

    def _become(self, ready: bool) -> None:
        if ready and not self.started.done():
            self.started.set_result(time.monotonic() - self._began)
        if ready != self.ready:
            self.ready, self.since = ready, time.time()
        self.changed()

    def _hopeless(self, code: int, ending: str) -> PartFailed | None:
        """Why it makes no sense to start again a part that has never been ready."""
        self._crashes += 1
        said = journal.last_sentence(self.log)
        if code == CONFIGURATION_ERROR:
            return PartFailed(f"{self.part.name}: {said}", configuration=True)
        if self._crashes >= _CRASHES_AT_FIRST:
            return PartFailed(
                f"{self.part.name} does not start: {ending}, {self._crashes} times. "
                f"It last said: {said}\n{self.log} has the rest.",
                configuration=False,
            )
        return None

    async def end(self, until: float) -> None:
        """SIGTERM, and SIGKILL at `until` (monotonic seconds) if it still runs. Waits for it."""
        running = self.running
        if running is None:
            return
        running.terminate()
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(running.ended)
        except TimeoutError:
            self.say(f"{self.part.name} did not stop in time; killed")
            running.kill()
            await running.ended
        self.running = None
        self._become(False)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
