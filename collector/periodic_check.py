"""A check that runs when its owner starts, then at intervals until the owner stops."""

import asyncio
from collections.abc import Awaitable, Callable


class PeriodicCheck:
    """Awaits `check`, which must not raise; `seconds` says how long to wait before the next one."""

    def __init__(
        self, check: Callable[[], Awaitable[None]], seconds: Callable[[], float], *, name: str
    ) -> None:
        self._check = check
        self._seconds = seconds
        self._name = name
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Check again without waiting."""
        self._soon.set()

    async def start(self) -> None:
        """Check once; the rest in the background. Waits for the first check."""
        await self._check()
        self._task = asyncio.create_task(self._repeat(), name=self._name)

    async def stop(self) -> None:
        """End the checks; harmless when they never started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _repeat(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._seconds()):
                    await self._soon.wait()
            except TimeoutError:
                pass
            self._soon.clear()
            await self._check()
