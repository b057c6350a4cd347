"""When requests are due, and what their latencies come to. Pure: times are arguments.

Open loop: request n is due at start + n / rate whatever became of the others, and its latency
counts from then, so a stalled server shows in the figures instead of slowing the measurement
("coordinated omission": https://www.youtube.com/watch?v=lJ8ydIuPFeU, G. Tene).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """Requests at a fixed rate; `requests_per_second` 0 = as soon as a connection is free."""

    start_ns: int
    requests_per_second: float
    duration_seconds: float

    def due_ns(self, number: int, now_ns: int) -> int:
        """When request `number` (from 0) is due. At rate 0 that is now."""
        if not self.requests_per_second:
            return max(now_ns, self.start_ns)
        return self.start_ns + round(number * NANOSECONDS / self.requests_per_second)

    @property
    def end_ns(self) -> int:
        """From here on nothing new is sent."""
        return self.start_ns + round(self.duration_seconds * NANOSECONDS)

    def planned(self) -> int:
        """How many requests are due before the end; 0 at rate 0, which plans none."""
        whole = round(self.duration_seconds * self.requests_per_second)
        while whole and self.due_ns(whole - 1, 0) >= self.end_ns:
            whole -= 1
        return whole

    def tick_ns(self) -> int:
        """How often to wake: once a request, but no more than 1,000 times a second.

        Waking an idle core costs a virtual machine 20 to 25 us, more than sending a request does.
        """
        if not self.requests_per_second:
            return 50_000_000
        return min(50_000_000, max(1_000_000, round(NANOSECONDS / self.requests_per_second)))


@dataclass(frozen=True, slots=True)
class SpreadSchedule:
    """Percentiles of a sample, in the sample's unit. All zero when it is empty."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float
    mean: float


def spread(values: Sequence[float]) -> SpreadSchedule:
    """Exact percentiles by nearest rank: the smallest value with at least p of the sample."""
    if not values:
        return SpreadSchedule(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    ordered = sorted(values)
    last = len(ordered) - 1

    def rank(percent: int) -> float:
        return ordered[min(last, -(-percent * len(ordered) // 100) - 1)]

    return SpreadSchedule(
        count=len(ordered),
        p50=rank(50),
        p95=rank(95),
        p99=rank(99),
        max=ordered[-1],
        mean=sum(ordered) / len(ordered),
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of (x, y) points; 0 for fewer than two different x."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    below = sum((x - mean_x) ** 2 for x, _ in points)
    if below == 0:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below


def backoff_seconds(attempt: int, jitter: float, retry_after: float | None) -> float:
    """Pause before try `attempt` + 1: what the server asked for, else 0.1 s doubling to 5 s.

    `jitter` in [0, 1) spreads the pause over its upper half, so that clients do not return
    together; a server's wish is never cut short.
    """
    if retry_after is not None:
        return retry_after * (1 + jitter / 10)
    return float(min(5.0, 0.1 * 2 ** min(attempt, 10)) * (0.5 + jitter / 2))
