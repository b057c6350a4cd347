"""`POST /v1/query/traces` and `GET /v1/traces/{id}`: searching for traces, and showing one."""

from typing import Annotated, Final

import msgspec

from api.query.attributes import SPANS, attribute_column
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions, trace_id_condition
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, TimeRange, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_SPANS: Final = 20_000
_MARGIN_MS: Final = HOUR_MS
"""Spans of a trace are looked for this far around the part of the range that is searched."""
_NEWEST: Final = 64
"""The newest traces are looked for in this part of a range first."""


class TracesRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A search for traces that hold a span with all of these properties.

    Durations are milliseconds and those of the span. `filters`: attributes of the span or its
    resource, or its kind, name, scope_name.
    """

    from_: str | int | float = msgspec.field(name="from", default="now-1h")
    to: str | int | float = "now"
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    operation: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    status: Annotated[str, msgspec.Meta(max_length=16)] = ""
    min_duration_ms: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    max_duration_ms: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    filters: list[Filter] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 20
    sql: bool = False
    org_id: str = ""
    app_id: str = ""


class TraceRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the search: one trace."""

    trace_id: str
    root_service: str
    root_name: str
    start_time: str
    duration_ns: int
    spans: int
    errors: int
    services: list[str]


class SpanRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of a trace: one span. Times are nanoseconds since the epoch, as text."""

    span_id: str
    parent_span_id: str
    name: str
    service: str
    kind: str
    start_time: str
    duration_ns: int
    status: str
    status_message: str
    trace_state: str
    attributes: dict[str, str]
    resource_attributes: dict[str, str]
    scope_name: str
    scope_version: str
    events: list[tuple[str, str, dict[str, str]]]
    links: list[tuple[str, str, str, dict[str, str]]]
    app: str


def plan_traces(
    request: TracesRequest, *, org: str, app: str, now_ms: int, search_days: int
) -> tuple[Statement, Statement]:
    """The same search in the newest part of the range, and in all of it. Raises Rejected.

    Each gives one trace more than `limit`, to tell whether it is all: traces come latest first, so
    where the first has so many, the second would find the same.
    """
    asked = parse_range(request.from_, request.to, now_ms=now_ms, longest_ms=search_days * DAY_MS)
    newest = TimeRange(asked.to_ms - max(asked.length_ms // _NEWEST, 1), asked.to_ms)
    return _search(request, newest, org, app), _search(request, asked, org, app)


def _search(request: TracesRequest, searched: TimeRange, org: str, app: str) -> Statement:
    values = Values()
    scope = scope_conditions(values, org, app)
    where = [*scope, *raw_time_conditions(values, searched), *_properties(request, values)]
    where += conditions(request.filters, values, attribute_column(values, SPANS))
    wider = TimeRange(max(searched.from_ms - _MARGIN_MS, 0), searched.to_ms + _MARGIN_MS)
    return values.statement(
        fill(
            "traces",
            is_error="status = 'error'",
            around=" AND ".join([*scope, *raw_time_conditions(values, wider)]),
            where=" AND ".join(where),
            limit=values.add(request.limit + 1, "UInt64"),
        )
    )


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


def plan_trace(trace_id: str, *, org: str, app: str) -> Statement:
    """The statement for the spans of one trace. Raises Rejected unless the id is 32 hex digits."""
    values = Values()
    where = [*scope_conditions(values, org, app), trace_id_condition(values, trace_id, "traceId")]
    return values.statement(
        fill("trace", where=" AND ".join(where), limit=values.add(MAX_SPANS + 1, "UInt64"))
    )
