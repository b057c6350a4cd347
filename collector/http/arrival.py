"""One body on its way: how fast it comes, and how it is ended when its memory is needed."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_WINDOW_SECONDS: Final = 0.5
"""A rate is taken over the last window and what has passed of the present one."""


@dataclass(frozen=True, slots=True)
class ArrivalLimits:
    """How long a body may take in all, and what it has to bring in any `rate_seconds`."""

    deadline_seconds: float = 30.0
    bytes_per_second: int = 1024
    rate_seconds: float = 5.0


class Arrival:
    """A body on its way. Times are on the caller's clock, in seconds.

    `end` ends it from outside: its reader then fails, with `evicted` set.
    """

    __slots__ = ("_before", "_since", "_window", "end", "evicted", "started")

    def __init__(self, now: float, *, end: Callable[[], None]) -> None:
        self.started = now
        self.end = end
        self.evicted = False
        self._since = now
        self._window = 0
        self._before = (now, 0)

    def count(self, size: int, now: float) -> None:
        """So many bytes more have come."""
        if now - self._since > _WINDOW_SECONDS:
            self._before = (self._since, self._window)
            self._since, self._window = now, 0
        self._window += size

    def rate(self, now: float) -> float:
        """Bytes a second, lately."""
        since, size = self._before
        return (size + self._window) / max(now - since, 1e-3)


def end_timer(timer: asyncio.Timeout) -> None:
    """Let what runs under `timer` end now."""
    with contextlib.suppress(RuntimeError):  # it has ended already
        timer.reschedule(0)
