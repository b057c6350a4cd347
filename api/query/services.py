"""`POST /v1/query/services`: rate, errors and duration by service or operation, from rollups."""

from typing import Annotated, Literal

import msgspec

from api.query.filters import conditions
from api.query.request import MINUTES, Plan, QueryScope, QuestionRequest
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import SPANS
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, Granularity, parse_range

SpanKind = Literal["server", "consumer", "client", "producer", "internal", "unspecified"]


class ServicesRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """Services, or their operations. `kinds`: which spans count; none named = all of them.

    By default what a service was asked to do: its server and consumer spans. `filters`:
    dimensions of spans.
    """

    by: Literal["service", "operation"] = "service"
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    kinds: list[SpanKind] = msgspec.field(default_factory=lambda: ["server", "consumer"])
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


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


def plan_services(request: ServicesRequest, scope: QueryScope) -> Plan:
    """The statement; one row more than `limit`, to tell whether it is all. Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=scope.now_ms)
    kept = asked.from_ms >= scope.now_ms - scope.minute_days * DAY_MS
    whole = MINUTES if asked.length_ms <= 6 * HOUR_MS and kept else Granularity(HOUR_MS)
    covered = whole.cover(asked)
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
