"""The tables that recovery has to know, by signal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seamark.wire.signals import Signal

RAW: Final[Mapping[Signal, str]] = {
    Signal.EVENTS: "events",
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "logs",
}
RAW_RETENTION_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Rollup:
    """A rollup's table; `daily` when its times are days."""

    table: str
    daily: bool = False

    @property
    def step(self) -> str:
        """The engine's function that gives the beginning of what is compared."""
        return "toStartOfDay" if self.daily else "toStartOfHour"


ROLLUPS: Final[Mapping[Signal, tuple[Rollup, ...]]] = {
    Signal.EVENTS: (
        Rollup("events_1m"),
        Rollup("events_1h"),
        Rollup("events_1d", daily=True),
    ),
    Signal.TRACES: (Rollup("spans_1m"), Rollup("spans_1h")),
    Signal.METRICS: (Rollup("metrics_1m"), Rollup("metrics_1h")),
    Signal.LOGS: (),
}
