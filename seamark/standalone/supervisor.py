"""The supervisor: stages up, all kept running, stages down.

It knows nothing about what the parts do; `parts.plan` tells it what to start and how to ask.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seamark.standalone import journal
from seamark.standalone.child import Child, PartFailed
from seamark.standalone.folder import Folder, write
from seamark.standalone.parts import StackPart
from seamark.standalone.processes import Processes

STOP_SECONDS: Final = 9.5
"""All of a stop. The first stage, stopped last, is left more than half: the store has to finish
its inserts, whereas what the others have not finished is repeated at the next start."""
_LAST_STAGE_SECONDS: Final = 5.5
_TRIM_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """Where the supervisor's news goes. `ready` gets name, address and seconds."""

    ready: Callable[[str, str, float], None]
    up: Callable[[], None]
    say: Callable[[str], None]


class Supervisor:
    """Runs the stages of a stack in a folder. Make and use it in a running event loop."""

    def __init__(
        self, stages: Sequence[Sequence[StackPart]], *, folder: Folder, report: Report
    ) -> None:
        self._folder = folder
        self._report = report
        self._processes = Processes()
        self._state = ""
        self._stages = [
            [
                Child(
                    part,
                    self._processes,
                    folder.logs / f"{part.name}.log",
                    self._write_state,
                    report.say,
                )
                for part in stage
            ]
            for stage in stages
        ]
        self._keeping: dict[Child, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> int:
        """Run everything until `stop`; returns the exit code.

        `hurry`, set while stopping, kills what is left. 0 = stopped as asked, 1 = a part does not
        start, 2 = it does not start because of its configuration. Returns when no child is left.
        """
        with self._processes:
            self._write_state()
            trimming = asyncio.create_task(self._trim())
            try:
                return await self._until(stop)
            finally:
                trimming.cancel()
                await self._stop(hurry)

    async def _until(self, stop: asyncio.Event) -> int:
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self._report.up()
                await self._watched(stopping)
        except PartFailed as failure:
            self._report.say(str(failure))
            return 2 if failure.configuration else 1
        finally:
            starting.cancel()
            stopping.cancel()
        return 0

    async def _start(self) -> None:
        for stage in self._stages:
            for child in stage:
                self._keeping[child] = asyncio.create_task(child.keep(), name=child.part.name)
            await asyncio.gather(*(self._first_ready(child) for child in stage))

    async def _first_ready(self, child: Child) -> None:
        keeping = self._keeping[child]
        either: set[asyncio.Future[Any]] = {child.started, keeping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not child.started.done():
            keeping.result()  # its task ended with an error of ours; show it
        self._report.ready(child.part.name, child.part.address, await child.started)

    async def _watched(self, stopping: asyncio.Task[bool]) -> None:
        """Wait for the stop. An error in a keeper would leave a part unwatched: raise it."""
        waiting: set[asyncio.Future[Any]] = {t for t in self._keeping.values() if not t.done()}
        waiting.add(stopping)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _stop(self, hurry: asyncio.Event) -> None:
        now = time.monotonic()
        last, deadline = now + STOP_SECONDS, now + STOP_SECONDS - _LAST_STAGE_SECONDS
        ending = asyncio.create_task(self._end_stages(deadline, last))
        hurrying = asyncio.create_task(hurry.wait())
        await asyncio.wait({ending, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            for stage in self._stages:
                for child in stage:
                    if child.running is not None:
                        child.running.kill()
        hurrying.cancel()
        await ending
        with contextlib.suppress(FileNotFoundError):
            self._folder.state.unlink()

    async def _end_stages(self, deadline: float, last: float) -> None:
        for task in self._keeping.values():
            task.cancel()
        await asyncio.gather(*self._keeping.values(), return_exceptions=True)
        for number, stage in reversed(list(enumerate(self._stages))):
            until = last if number == 0 else deadline
            await asyncio.gather(*(child.end(until) for child in stage))

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(_TRIM_SECONDS)
            for stage in self._stages:
                for child in stage:
                    journal.cut(child.log)

    def _write_state(self) -> None:
        rows = [
            {
                "name": child.part.name,
                "pid": child.pid,
                "address": child.part.address,
                "ready": child.ready,
                "since": round(child.since, 3),
            }
            for stage in self._stages
            for child in stage
            if not child.part.once
        ]
        text = json.dumps(rows)
        if text != self._state:
            # A full disk must not end the supervisor; the next poll tries again.
            with contextlib.suppress(OSError):
                write(self._folder.state, text, sync=False)
                self._state = text
