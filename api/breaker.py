"""A circuit breaker for the store: questions do not wait for one that hangs.

A statement that has taken half a second lets the store be asked for a sign of life (`/ping`). One
that gives none within a second is away: what waits for it fails at once, and what comes next too,
until it answers again; that is looked for as long as it lasts. A slow statement alone is no reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
SLOW_SECONDS: Final = 0.5
PING_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.5


class StoreHangs(Exception):
    """The store gives no sign of life."""


class Breaker:
    """`ping` returns "" when the store answers, else what is wrong; it may hang itself."""

    def __init__(
        self,
        ping: Callable[[], Awaitable[str]],
        *,
        slow_seconds: float = SLOW_SECONDS,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._ping = ping
        self._slow_seconds = slow_seconds
        self._ping_seconds = ping_seconds
        self._asked: asyncio.Task[str] | None = None
        self._looking: asyncio.Task[None] | None = None
        self.problem = ""

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. Raises what it raises, and StoreHangs; then it was cancelled."""
        if self.problem:
            work.close()
            raise StoreHangs(self.problem)
        task = asyncio.create_task(work, name="statement")
        try:
            while not (await asyncio.wait({task}, timeout=self._slow_seconds))[0]:
                if problem := self.problem or await self._sign_of_life():
                    raise StoreHangs(problem)
            return task.result()
        finally:
            task.cancel()

    async def _sign_of_life(self) -> str:
        """Ask once for all who wait; "" when there is an answer."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._answered(), name="store-ping")
        problem = await asyncio.shield(self._asked)
        if problem and not self.problem:
            self.problem = problem
            self._looking = asyncio.create_task(self._until_back(), name="store-back")
        return problem

    async def _answered(self) -> str:
        try:
            async with asyncio.timeout(self._ping_seconds):
                return await self._ping()
        except TimeoutError:
            return f"no answer to /ping within {self._ping_seconds:g} s"

    async def _until_back(self) -> None:
        while problem := await self._answered():
            self.problem = problem
            await asyncio.sleep(AGAIN_SECONDS)
        self.problem = ""

    async def back(self) -> None:
        """Wait until a store that was away answers again."""
        if self._looking is not None:
            await asyncio.shield(self._looking)

    async def close(self) -> None:
        """End what still looks for the store."""
        tasks = [task for task in (self._asked, self._looking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
