"""When rows were last stored late into a range, by which a cached answer is found or not."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from api.query.scoping import scope_conditions
from api.query.series_sql import LOOK_BACK_MS
from api.query.statement import Statement, Values, fill
from api.query.timerange import HOUR_MS, TimeRange

SignalName = Literal["events", "traces", "metrics", "logs"]
READ_BEFORE_MS: Final = LOOK_BACK_MS + 2 * HOUR_MS
"""Statements read at most so much before their range: increases look for an earlier total within
`LOOK_BACK_MS` of an hour, service maps for parents within one hour."""


class LateRow(msgspec.Struct, array_like=True, frozen=True):
    """The row of the statement, in milliseconds of the store's clock; `stored_ms` 0: never."""

    stored_ms: int
    now_ms: int


def plan_late_rows(
    range_: TimeRange, signals: Sequence[SignalName], *, org: str, app: str
) -> Statement:
    """The statement. No signals: all of them."""
    values = Values()
    first_ms = max(range_.from_ms - READ_BEFORE_MS, 0) // HOUR_MS * HOUR_MS
    where = [
        *scope_conditions(values, org, app),
        f"hour >= toDateTime({values.integer(first_ms // 1000)}, 'UTC')",
        f"hour < toDateTime({values.integer(-(-range_.to_ms // 1000))}, 'UTC')",
    ]
    if signals:
        where.append(f"signal IN ({', '.join(values.text(name) for name in sorted(signals))})")
    return values.statement(fill("late_rows", where=" AND ".join(where)))
