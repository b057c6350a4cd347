"""`POST /v1/query/services`: rate, errors and duration by service or operation, from rollups.

Counts are weighted where an app samples. Percentiles come from sketches (`seamark.wire.sketches`
has their accuracy); mean and maximum are exact. A row has a trace as an example.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from api.answers import Meta
from api.query.filters import conditions
from api.query.request import MINUTES, Plan, QueryScope, QuestionRequest
from api.query.request_fields import ServiceField
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import SPANS
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, Granularity, TimeRange, parse_range
from api.questions.columns import Column, count, milliseconds, ratio, text
from api.questions.question import AnswerPart, Question, StoreQuery

SpanKind = Literal["server", "consumer", "client", "producer", "internal", "unspecified"]
SERVED: Final[tuple[SpanKind, ...]] = ("server", "consumer")
"""Kinds of the spans that are calls of a service: one for each call."""


class ServicesRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """Services, or their operations. `kinds`: which spans count; none named = all of them.

    By default the calls that a service served: its server and consumer spans. `filters`:
    dimensions of spans.
    """

    by: Annotated[Literal["service", "operation"], msgspec.Meta(title="By")] = "service"
    service: ServiceField = ""
    kinds: Annotated[list[SpanKind], msgspec.Meta(title="Kinds")] = msgspec.field(
        default_factory=lambda: list(SERVED)
    )
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, title="Limit")] = 100


class ServiceRow(msgspec.Struct, array_like=True, frozen=True):
    """One service or operation. Durations are milliseconds."""

    service: str
    operation: str
    calls: int | float
    errors: int | float
    mean_ms: float
    max_ms: float
    levels_ms: list[float]
    trace_id: str
    sampled: bool | int


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """Rate (per second), errors and duration (ms). `operation` is empty for a service as a whole.

    `traceId`: a trace to look at.
    """

    service: str
    operation: str
    calls: int | float
    rate: float
    errors: int | float
    error_rate: float
    mean_ms: float
    max_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    trace_id: str


class ServicesAnswer(msgspec.Struct, frozen=True):
    """Services or operations, the ones called most first."""

    columns: list[Column]
    services: list[Service]
    meta: Meta


def rollup_range(request: QuestionRequest, scope: QueryScope) -> tuple[TimeRange, Granularity]:
    """The range in whole minutes, in whole hours where minutes are not kept or too many.
    Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=scope.now_ms)
    kept = asked.from_ms >= scope.now_ms - scope.minute_days * DAY_MS
    whole = MINUTES if asked.length_ms <= 6 * HOUR_MS and kept else Granularity(HOUR_MS)
    return whole.cover(asked), whole


def plan_services(request: ServicesRequest, scope: QueryScope) -> Plan:
    """The statement; one row more than `limit`, to tell whether it is all. Raises Rejected."""
    covered, whole = rollup_range(request, scope)
    values = Values()
    where = [*scope_conditions(values, scope.org, scope.app), *time_conditions(values, covered)]
    if request.service:
        where.append(f"service = {values.text(request.service)}")
    if request.kinds:
        kinds = ", ".join(values.text(kind) for kind in sorted(set(request.kinds)))
        where.append(f"kind IN ({kinds})")
    where += conditions(
        request.filters, values, lambda key, field: SPANS.dimension(key, values, field)
    )
    return Plan(
        values.statement(
            fill(
                "services",
                operation="toString(operation)" if request.by == "operation" else "''",
                levels=SPANS.columns["percentile"].replace("{levels}", "0.5, 0.95, 0.99"),
                table=SPANS.table(whole),
                where=" AND ".join(where),
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
    )


def service_of(row: ServiceRow, seconds: float) -> Service:
    """A row as an answer shows it."""
    return Service(
        row.service,
        row.operation,
        row.calls,
        row.calls / seconds,
        row.errors,
        row.errors / row.calls,
        row.mean_ms,
        row.max_ms,
        p50_ms=row.levels_ms[0],
        p95_ms=row.levels_ms[1],
        p99_ms=row.levels_ms[2],
        trace_id=row.trace_id,
    )


def _answer_part(request: ServicesRequest, plan: Plan, rows: Sequence[ServiceRow]) -> AnswerPart:
    shown = rows[: request.limit]
    seconds = plan.range.length_ms / 1000
    return AnswerPart(
        {"services": [service_of(row, seconds) for row in shown]},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _plan(request: ServicesRequest, scope: QueryScope) -> list[StoreQuery[ServiceRow]]:
    plan = plan_services(request, scope)
    return [
        StoreQuery("services", plan, ServiceRow, lambda rows: _answer_part(request, plan, rows))
    ]


QUESTION: Final = Question(
    kind="services",
    title="Services",
    summary="Rate, errors and duration of services or operations.",
    request=ServicesRequest,
    answer=ServicesAnswer,
    plan=_plan,
    columns=(
        Column("services", "service", "Service", "service", "", "service"),
        text("services", "operation", "Operation", label="operation"),
        Column("services", "rate", "Rate", "rate", "1/s"),
        count("services", "calls", "Calls"),
        ratio("services", "errorRate", "Errors", headline=True),
        milliseconds("services", "p50Ms", "p50"),
        milliseconds("services", "p95Ms", "p95"),
        milliseconds("services", "p99Ms", "p99"),
        milliseconds("services", "maxMs", "Longest"),
        Column("services", "traceId", "Trace ID", "trace", ""),
    ),
    example={"kinds": []},
)
