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
    """A table that views make of raw rows `t`, and how the same is counted in both.

    `raw_time`: the time of a raw row that its bucket is of. `daily`: its times are days. `rows` and
    `raw`: SQL of how many raw rows its rows are of, and of how many those ought to be.
    """

    table: str
    daily: bool = False
    time: str = "time"
    rows: str = "sum(t.rows)"
    raw: str = "count()"
    raw_time: str = "t.time"

    @property
    def step(self) -> str:
        """The engine's function that gives the beginning of what is compared."""
        return "toStartOfDay" if self.daily else "toStartOfHour"


def _errors(source: str, raw: str) -> Rollup:
    return Rollup("errors", rows=f"countIf(t.source = '{source}')", raw=raw)


_HAS_TYPE: Final = "mapContains(t.attrs, 'exception.type')"
_PLAUSIBLE_TIME: Final = (
    "if(intDiv(toUnixTimestamp64Nano(t.time), 1000000000)"
    " - intDiv(toUnixTimestamp64Milli(t.received_at), 1000) BETWEEN -400 * 86400 AND 86400,"
    " toDateTime(t.time, 'UTC'), toDateTime(t.received_at, 'UTC'))"
)
"""As the views of spans and points take it: a time that cannot be is that of the receipt."""
ROLLUPS: Final[Mapping[Signal, tuple[Rollup, ...]]] = {
    Signal.EVENTS: (
        Rollup("events_1m"),
        Rollup("events_1h"),
        Rollup("events_1d", daily=True),
        Rollup(
            "visits_15m",
            time="slot",
            rows="sum(t.events)",
            raw="countIf(t.session_id != '' OR t.user_id != '')",
        ),
        _errors("event", f"countIf({_HAS_TYPE} OR t.name IN ('exception', 'error'))"),
    ),
    Signal.TRACES: (
        Rollup("spans_1m", raw_time=_PLAUSIBLE_TIME),
        Rollup("spans_1h", raw_time=_PLAUSIBLE_TIME),
        _errors("span", "sum(arrayCount(name -> name = 'exception', t.events.name))"),
    ),
    Signal.METRICS: (
        Rollup("metrics_1m", raw_time=_PLAUSIBLE_TIME),
        Rollup("metrics_1h", raw_time=_PLAUSIBLE_TIME),
    ),
    Signal.LOGS: (_errors("log", f"countIf({_HAS_TYPE})"),),
}
