"""`POST /v1/query/export`: which raw rows, as which columns, from where. Pure.

An export holds exactly the rows of its scope whose time is in [from, to) and that its filters let
through: those that the questions about raw rows count. It is read in slices of time, by one
statement that takes a slice as `{since}`, `{until}` and `{most}`.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from api.query import events
from api.query.attributes import LOGS, POINTS, SPANS, attribute_column
from api.query.export_columns import Form, names, shown
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, TimeRange, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected
from seamark.wire.signals import Signal

Source = Literal["store", "archive"]
TABLES: Final = {
    Signal.EVENTS: "events",
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "logs",
}
FILTERED: Final = {Signal.TRACES: SPANS, Signal.METRICS: POINTS, Signal.LOGS: LOGS}
"""What keys in filters mean; those of events: `events.column`."""
_DAYS: Final = re.compile(r"received_at\)? \+ toIntervalDay\((\d+)\)")


class ExportRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Raw rows as a file. `traces` are exported as spans, `metrics` as points.

    `columns`: these, in this order; all without it. `source`: where to read from; `auto` takes the
    archive for ranges that begin before raw rows are kept in the store. `guardFormulas`: in CSV,
    text that a spreadsheet would take for a formula gets an apostrophe before it.
    """

    signal: Literal["events", "traces", "metrics", "logs"]
    from_: str | int | float = msgspec.field(name="from")
    to: str | int | float = "now"
    filters: list[Filter] = []
    columns: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)] | None = None
    format: Form = "csv"
    source: Literal["auto", "store", "archive"] = "auto"
    guard_formulas: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)] | None = None
    org_id: str = ""
    app_id: str = ""


class KeptRow(msgspec.Struct, array_like=True, frozen=True):
    """The table's definition, and the last time of receipt that the archive has."""

    definition: str
    archived_ms: int


class FileRow(msgspec.Struct, array_like=True, frozen=True):
    """A file of the archive, and its rows in scope, whatever their times."""

    path: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """The statements of one export. `limit` 0: none was asked for."""

    signal: Signal
    range: TimeRange
    limit: int
    rows: Statement
    counts: Statement
    files: Statement


def plan_export(request: ExportRequest, *, org: str, app: str, now_ms: int) -> ExportPlan:
    """What to read. Raises Rejected."""
    signal = Signal(request.signal)
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    return ExportPlan(
        signal,
        asked,
        request.limit or 0,
        rows=_read(request, signal, "export", org, app, columns=_columns(request, signal)),
        counts=_read(request, signal, "export_counts", org, app),
        files=_files(signal, org, app),
    )


def plan_keeping(signal: Signal) -> Statement:
    """How long the store keeps raw rows, and how far the archive has come; a `KeptRow`."""
    values = Values()
    return values.statement(
        fill("export_keeping", table=values.text(TABLES[signal]), signal=values.text(signal.value))
    )


def choose_source(request: ExportRequest, plan: ExportPlan, kept: KeptRow, now_ms: int) -> Source:
    """Where the rows are. Raises Rejected when the archive is asked for and there is none."""
    archived = kept.archived_ms > 0
    if request.source == "archive" and not archived:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"The archive holds no {request.signal}; leave source out, or say store.",
            field="source",
        )
    if request.source != "auto":
        return request.source
    days = _DAYS.search(kept.definition)
    hot = days is None or plan.range.from_ms >= now_ms - int(days[1]) * DAY_MS
    return "store" if hot or not archived else "archive"


def _read(
    request: ExportRequest, signal: Signal, name: str, org: str, app: str, **slots: str
) -> Statement:
    values = Values()
    where = scope_conditions(values, org, app)
    if signal is Signal.EVENTS:
        # no event is later than its receipt, and partitions are days of receipt
        where.append("received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')")
        column = events.column(values)
    else:
        column = attribute_column(values, FILTERED[signal])
    where += conditions(request.filters, values, column)
    return values.statement(fill(name, table=TABLES[signal], where=" AND ".join(where), **slots))


def _columns(request: ExportRequest, signal: Signal) -> str:
    known = names(signal)
    wanted = request.columns or known
    for place, name in enumerate(wanted):
        if name not in known:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                f"{name[:60]!r} is no column of {signal.value}; there are: {', '.join(known)}.",
                field=f"columns[{place}]",
            )
        if name in wanted[:place]:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                f"Column {name} is named twice.",
                field=f"columns[{place}]",
            )
    guard = request.guard_formulas
    return ", ".join(shown(signal, name, request.format, guard=guard) for name in wanted)


def _files(signal: Signal, org: str, app: str) -> Statement:
    values = Values()
    scope = [f"an_org = {values.text(org)}"]
    if app:
        scope.append(f"an_app = {values.text(app)}")
    kind = values.text(signal.value)
    return values.statement(fill("export_files", scope=" AND ".join(scope), signal=kind))
