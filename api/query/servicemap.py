"""`POST /v1/query/servicemap`: which service calls which, from spans whose parent is elsewhere.

An edge leads from the service of a span's parent to the service of the span, when these differ. It
counts the spans that began in the range; a parent may have begun up to an hour before it. A span
that says its parent is of its own process (OTLP's `flags`) makes no edge. Durations are those of
the called spans, exact and not weighted. Spans of the token's scope alone are joined.
"""

from typing import Annotated, Final

import msgspec

from api.query.attributes import SPANS, attribute_column
from api.query.filters import conditions
from api.query.request import Plan, QueryScope, QuestionRequest, raw_range
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions
from api.query.statement import Values, fill
from api.query.timerange import HOUR_MS, TimeRange

_MARGIN_MS: Final = HOUR_MS
_FROM_OUTSIDE: Final = "bitAnd(flags, 768) != 256"
"""Bit 8: whether the parent is remote is known; bit 9: it is. Source: opentelemetry.proto.trace.v1,
SpanFlags."""


class ServicemapRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """`service`: only edges from and to it. `filters`: attributes of the called span or its
    resource. `limit`: edges, those called most first."""

    from_: str | int | float = msgspec.field(name="from", default="now-1h")
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 500


class EdgeRow(msgspec.Struct, array_like=True, frozen=True):
    """One edge. Durations are milliseconds."""

    client: str
    server: str
    calls: int | float
    errors: int | float
    levels_ms: list[float]
    trace_id: str
    sampled: bool | int


def plan_servicemap(request: ServicemapRequest, scope: QueryScope) -> Plan:
    """The statement; one edge more than `limit`, to tell whether it is all. Raises Rejected."""
    covered = raw_range(request, scope)
    values = Values()
    in_scope = scope_conditions(values, scope.org, scope.app)
    wider = TimeRange(max(covered.from_ms - _MARGIN_MS, 0), covered.to_ms)
    children = [
        *in_scope,
        *raw_time_conditions(values, covered),
        "parent_span_id != toFixedString('', 8)",
        _FROM_OUTSIDE,
        *conditions(request.filters, values, attribute_column(values, SPANS)),
    ]
    touching = ""
    if request.service:
        named = values.text(request.service)
        touching = f" AND (client_service = {named} OR server_service = {named})"
    return Plan(
        values.statement(
            fill(
                "servicemap",
                children=" AND ".join(children),
                parents=" AND ".join([*in_scope, *raw_time_conditions(values, wider)]),
                touching=touching,
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
    )
