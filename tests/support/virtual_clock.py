"""An event loop whose time is its own: where nothing is left to do, it jumps to the next timer.

What is timed by such a loop happens alike on every machine, however busy, and takes no time.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """Its `time()` begins at 0 and moves only when waiting for a timer is all that is left.

    A call in a thread is waited for as long as it takes, and by this clock takes no time.
    """

    def __init__(self) -> None:
        self._now_seconds = 0.0
        self._in_threads = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now_seconds

    def jump(self, seconds: float) -> None:
        """Move the clock: nothing happens for so long."""
        self._now_seconds += seconds

    @property
    def may_jump(self) -> bool:
        """Whether no call is in a thread, which may come back at any moment."""
        return not self._in_threads

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """As on every loop."""
        future = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, _: object) -> None:
        self._in_threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; else, in place of waiting out `timeout`, the clock has moved by it."""
        if timeout is None or not self._loop.may_jump:
            return super().select(None if timeout is None or timeout > 0 else 0)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.jump(timeout)
        return ready


def run_virtually(main: Coroutine[Any, Any, _T]) -> _T:
    """As `asyncio.run`, on a loop of this kind."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
