"""`POST /v1/query/traces`: traces that hold a span with all of some properties, the latest first.

Matching spans name the traces; what is said of a trace is of all its spans within an hour around
the range. The newest part of the range is read first, and the whole range only where that part does
not have as many traces as are wanted.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.attributes import SPANS, attribute_column
from api.query.filters import conditions
from api.query.request import Instant, Plan, QueryScope, QuestionRequest
from api.query.request_fields import SPAN_STATUSES, ServiceField
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, TimeRange, parse_range
from api.questions.columns import Column, count, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

_MARGIN_MS: Final = HOUR_MS
_NEWEST: Final = 64
"""The newest traces are looked for in this part of a range first."""
MilliSeconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class TracesRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """A search for traces that hold a span with all of these properties.

    Durations are milliseconds and those of the span. `filters`: attributes of the span or its
    resource, or its kind, name, scope_name.
    """

    from_: Instant = msgspec.field(name="from", default="now-1h")
    service: ServiceField = ""
    operation: Annotated[str, msgspec.Meta(max_length=1024, title="Operation")] = ""
    status: Annotated[
        str, msgspec.Meta(max_length=16, title="Status", extra={"suggests": SPAN_STATUSES})
    ] = ""
    min_duration_ms: Annotated[MilliSeconds | None, msgspec.Meta(title="At least, ms")] = None
    max_duration_ms: Annotated[MilliSeconds | None, msgspec.Meta(title="At most, ms")] = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500, title="Limit")] = 20


class TraceRow(msgspec.Struct, array_like=True, frozen=True):
    """One trace. `start_time`: nanoseconds since the epoch, as text."""

    trace_id: str
    root_service: str
    root_name: str
    start_time: str
    duration_ns: int
    spans: int
    errors: int
    services: list[str]


class TraceSummary(msgspec.Struct, frozen=True, rename="camel"):
    """A trace in short. `start_time`: nanoseconds since the epoch, as text."""

    trace_id: str
    root_service: str
    root_name: str
    start_time: str
    duration_ns: int
    spans: int
    errors: int
    services: list[str]


class TracesAnswer(msgspec.Struct, frozen=True):
    """Traces, the latest first."""

    columns: list[Column]
    traces: list[TraceSummary]
    meta: Meta


def plan_traces(request: TracesRequest, scope: QueryScope) -> tuple[Plan, Plan]:
    """The same search in the newest part of the range, and in all of it. Raises Rejected.

    Each gives one trace more than `limit`, to tell whether it is all: traces come latest first, so
    where the first has so many, the second would find the same.
    """
    asked = parse_range(
        request.from_, request.to, now_ms=scope.now_ms, longest_ms=scope.search_days * DAY_MS
    )
    newest = TimeRange(asked.to_ms - max(asked.length_ms // _NEWEST, 1), asked.to_ms)
    return _search(request, newest, asked, scope), _search(request, asked, asked, scope)


def _search(
    request: TracesRequest, searched: TimeRange, asked: TimeRange, scope: QueryScope
) -> Plan:
    values = Values()
    in_scope = scope_conditions(values, scope.org, scope.app)
    where = [*in_scope, *raw_time_conditions(values, searched), *_properties(request, values)]
    where += conditions(request.filters, values, attribute_column(values, SPANS))
    wider = TimeRange(max(searched.from_ms - _MARGIN_MS, 0), searched.to_ms + _MARGIN_MS)
    sql = fill(
        "traces",
        is_error="status = 'error'",
        around=" AND ".join([*in_scope, *raw_time_conditions(values, wider)]),
        where=" AND ".join(where),
        limit=values.add(request.limit + 1, "UInt64"),
    )
    return Plan(values.statement(sql), asked)


def _properties(request: TracesRequest, values: Values) -> list[str]:
    where = []
    if request.service:
        where.append(f"service = {values.text(request.service)}")
    if request.operation:
        where.append(f"name = {values.text(request.operation)}")
    if request.status:
        where.append(f"status = {values.text(request.status.lower())}")
    if request.min_duration_ms is not None:
        where.append(f"duration_ns >= {values.integer(int(request.min_duration_ms * 1e6))}")
    if request.max_duration_ms is not None:
        if request.max_duration_ms < (request.min_duration_ms or 0):
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                "maxDurationMs is below minDurationMs.",
                field="maxDurationMs",
            )
        where.append(f"duration_ns <= {values.integer(int(request.max_duration_ms * 1e6))}")
    return where


def _answer_part(request: TracesRequest, rows: Sequence[TraceRow]) -> AnswerPart:
    shown = [TraceSummary(*msgspec.structs.astuple(row)) for row in rows[: request.limit]]
    return AnswerPart({"traces": shown}, truncated=len(rows) > request.limit)


def _plan(request: TracesRequest, scope: QueryScope) -> list[StoreQuery[TraceRow]]:
    newest, every = plan_traces(request, scope)

    def query(plan: Plan) -> StoreQuery[TraceRow]:
        return StoreQuery("traces", plan, TraceRow, lambda rows: _answer_part(request, rows))

    def then(rows: Sequence[TraceRow]) -> StoreQuery[TraceRow] | None:
        return None if len(rows) > request.limit else query(every)

    return [replace(query(newest), then=then)]


QUESTION: Final = Question(
    kind="traces",
    title="Traces",
    summary="Search for traces.",
    request=TracesRequest,
    answer=TracesAnswer,
    plan=_plan,
    columns=(
        Column("traces", "traceId", "Trace", "trace", ""),
        Column("traces", "startTime", "Start", "text", "ns"),
        Column("traces", "rootService", "Service", "service", ""),
        text("traces", "rootName", "Operation"),
        Column("traces", "durationNs", "Duration", "duration", "ns", headline=True),
        count("traces", "spans", "Spans"),
        count("traces", "errors", "Errors"),
    ),
    example={},
    cached=False,
)
