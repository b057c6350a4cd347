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

    `daily`: its times are days. `rows` and `raw`: SQL of how many raw rows its rows are of, and of
    how many those ought to be. `second`: SQL of the second (of the epoch) that the view counts a
    raw row in.
    """

    table: str
    daily: bool = False
    time: str = "time"
    rows: str = "sum(t.rows)"
    raw: str = "count()"
    second: str = "toInt64(toUnixTimestamp(toDateTime(toStartOfMinute(t.time), 'UTC')))"

    @property
    def own_second(self) -> str:
        """SQL of the second of a row of the table itself."""
        return _SENT_MS if self.table == "errors" else f"toInt64(toUnixTimestamp(t.{self.time}))"

    @property
    def step_seconds(self) -> int:
        """How long the stretches are that are compared."""
        return 86400 if self.daily else 3600


_SENT_MS: Final = "intDiv(toUnixTimestamp64Milli(t.time), 1000)"
_SENT_NS: Final = "intDiv(toUnixTimestamp64Nano(t.time), 1000000000)"
_RECEIVED: Final = "intDiv(toUnixTimestamp64Milli(t.received_at), 1000)"
_SENT_OR_RECEIVED: Final = (
    f"if({_SENT_NS} - {_RECEIVED} BETWEEN -400 * 86400 AND 86400, {_SENT_NS}, {_RECEIVED})"
)
"""As the views of spans and metrics: with a time too odd, a row counts when it was received."""


def _errors(source: str, raw: str) -> Rollup:
    second = _SENT_MS if source == "event" else _SENT_NS
    return Rollup("errors", rows=f"countIf(t.source = '{source}')", raw=raw, second=second)


def _otlp(table: str) -> Rollup:
    return Rollup(table, second=_SENT_OR_RECEIVED)


_HAS_TYPE: Final = "mapContains(t.attrs, 'exception.type')"
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
            second=_SENT_MS,
        ),
        _errors("event", f"countIf({_HAS_TYPE} OR t.name IN ('exception', 'error'))"),
    ),
    Signal.TRACES: (
        _otlp("spans_1m"),
        _otlp("spans_1h"),
        _errors("span", "sum(arrayCount(name -> name = 'exception', t.events.name))"),
    ),
    Signal.METRICS: (_otlp("metrics_1m"), _otlp("metrics_1h")),
    Signal.LOGS: (_errors("log", f"countIf({_HAS_TYPE})"),),
}
