"""`POST /v1/query/freshness`: whether telemetry arrives, of each app and signal.

What is counted, exactly: accepted items of the ledger, by the minute of their receipt. The last
window is the `minutes` whole minutes before the end of the range, without the minute that is still
running; the window before it is as long. An app or signal is listed when anything of it was
accepted in the range, so one that fell silent within it is listed with 0. Never cached.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.filters import conditions
from api.query.request import MINUTES, Plan, QueryScope, QuestionRequest
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, TimeRange, parse_range
from api.questions.columns import Column, count, instant, milliseconds, text
from api.questions.question import LEDGER_READERS, AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_ROWS: Final = 1_000
_KEYS: Final = ("app", "signal")


class FreshnessRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """`minutes` is the length of each of the two windows. Filters are by `app` and `signal`."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080, title="Minutes compared")] = 60


class FreshnessRow(msgspec.Struct, array_like=True, frozen=True):
    """One app and signal; `newest` is the start of a minute (epoch ms)."""

    app: str
    signal: str
    items: int
    items_before: int
    newest: int


class Freshness(msgspec.Struct, frozen=True, rename="camel"):
    """What arrived of one app and signal.

    `change`: items against those before, -1 to any size; null: nothing came before. `time`: start
    of the last minute in which an item was accepted; `silent_ms`: from its end to the range's.
    """

    app: str
    signal: str
    items: int
    before: int
    change: float | None
    time: int
    silent_ms: int


class FreshnessAnswer(msgspec.Struct, frozen=True):
    """Apps and signals in order of their names."""

    columns: list[Column]
    arrivals: list[Freshness]
    meta: Meta


def plan_freshness(request: FreshnessRequest, scope: QueryScope) -> Plan:
    """The statement; one row more than MAX_ROWS, to tell whether it is all. Raises Rejected."""
    covered, end_ms = _covered(request, scope)
    window_s = request.minutes * 60
    values = Values()
    where = [
        *scope_conditions(values, scope.org, scope.app),
        f"minute >= toDateTime({values.integer(covered.from_ms // 1000)}, 'UTC')",
        f"minute < toDateTime({values.integer(covered.to_ms // 1000)}, 'UTC')",
        *conditions(request.filters, values, _column),
    ]
    sql = fill(
        "freshness",
        where=" AND ".join(where),
        last=values.integer(end_ms // 1000 - window_s),
        before=values.integer(end_ms // 1000 - 2 * window_s),
        limit=values.add(MAX_ROWS + 1, "UInt64"),
    )
    return Plan(values.statement(sql), covered)


def _covered(request: FreshnessRequest, scope: QueryScope) -> tuple[TimeRange, int]:
    """The range in whole minutes, long enough for both windows, and the end of the last window."""
    asked = parse_range(request.from_, request.to, now_ms=scope.now_ms)
    end_ms = min(asked.to_ms, scope.now_ms) // MINUTE_MS * MINUTE_MS
    begin_ms = min(asked.from_ms, end_ms - 2 * request.minutes * MINUTE_MS)
    return TimeRange(MINUTES.start_of(begin_ms), end_ms), end_ms


def _column(key: str, path: str) -> str:
    if key in _KEYS:
        return f"toString({key})"
    raise Rejected(
        QuestionReason.INVALID_FILTER,
        f"{key!r} is no column of the ledger; filters are by {' and '.join(_KEYS)}.",
        field=path,
    )


def _answer_part(end_ms: int, rows: Sequence[FreshnessRow]) -> AnswerPart:
    arrivals = [
        Freshness(
            app=row.app,
            signal=row.signal,
            items=row.items,
            before=row.items_before,
            change=(row.items - row.items_before) / row.items_before if row.items_before else None,
            time=row.newest,
            silent_ms=max(0, end_ms - row.newest - MINUTE_MS),
        )
        for row in rows[:MAX_ROWS]
    ]
    return AnswerPart({"columns": _COLUMNS, "arrivals": arrivals}, truncated=len(rows) > MAX_ROWS)


def _plan(request: FreshnessRequest, scope: QueryScope) -> list[StoreQuery[FreshnessRow]]:
    plan = plan_freshness(request, scope)
    _, end_ms = _covered(request, scope)
    return [StoreQuery("freshness", plan, FreshnessRow, lambda rows: _answer_part(end_ms, rows))]


_ROWS: Final = "arrivals"
_COLUMNS: Final = (
    text(_ROWS, "app", "App", label="app"),
    text(_ROWS, "signal", "Signal", label="signal"),
    count(_ROWS, "items", "Items", headline=True),
    count(_ROWS, "before", "Items before"),
    Column(_ROWS, "change", "Change", "ratio", "1"),
    milliseconds(_ROWS, "silentMs", "Silent for"),
    instant(_ROWS, "time", "Last received"),
)
QUESTION: Final = Question(
    kind="freshness",
    title="Freshness",
    summary="Whether telemetry arrives, of each app and signal.",
    request=FreshnessRequest,
    answer=FreshnessAnswer,
    plan=_plan,
    columns=_COLUMNS,
    example={},
    cached=False,
    readers=LEDGER_READERS,
)
