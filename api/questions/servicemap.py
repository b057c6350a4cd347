"""`POST /v1/query/servicemap`: which service calls which, and what they call outside.

What is counted, exactly, in spans that began in the range:

- An edge between services leads from the service of a span's parent to the service of the span,
  when these differ; it counts such spans. A parent may have begun up to an hour before the range. A
  span that says its parent is of its own process (OTLP's `flags`) makes no edge.
- An edge to a *database* counts client spans with `db.system.name` (or `db.system`); the node is
  `peer.service`, else the system and its namespace or address: `postgresql/shop`.
- An edge to a *queue* counts producer and client spans with `messaging.system`, an edge from it
  consumer spans; the node is the system and its destination: `kafka/orders`. A consumer of a queue
  has no edge from the producer itself.
- An edge to an *external* service counts other client and producer spans that no server or consumer
  span is a child of; the node is `peer.service`, else `server.address` or the host of the URL.
- A service's node counts the calls it served, once each: its server and consumer spans. A node
  outside counts the calls that were made to it.

Durations are those of the spans counted; of edges and outside nodes exact and not weighted. Spans
of the token's scope alone are joined.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from api.answers import Meta
from api.query.attributes import SPANS as SPAN_KEYS
from api.query.attributes import attribute_column
from api.query.filters import conditions
from api.query.request import Instant, Plan, QueryScope, QuestionRequest, raw_range
from api.query.request_fields import ServiceField
from api.query.scoping import scope_conditions, time_conditions
from api.query.search import raw_time_conditions
from api.query.sources import SPANS
from api.query.statement import Values, fill
from api.query.timerange import HOUR_MS, TimeRange
from api.questions.columns import Column, count, milliseconds, ratio, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.questions.services import (
    Service,
    ServiceRow,
    ServicesRequest,
    plan_services,
    rollup_range,
    service_of,
)

_MARGIN_MS: Final = HOUR_MS
_MOST_NODES: Final = 1000
_MOST_EDGES: Final = 2000
_FROM_OUTSIDE: Final = "bitAnd(flags, 768) != 256"
"""Bit 8: whether the parent is remote is known; bit 9: it is. Source: opentelemetry.proto.trace.v1,
SpanFlags."""
_HAS_PARENT: Final = "parent_span_id != toFixedString('', 8)"
NodeKind = Literal["service", "database", "queue", "external"]


class ServicemapRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """`service`: only edges from and to it. `filters`: attributes of the span that an edge counts,
    or of its resource. `limit`: edges, those called most first."""

    from_: Instant = msgspec.field(name="from", default="now-1h")
    service: ServiceField = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST_EDGES, title="Limit")] = 500


class CallsRow(msgspec.Struct, array_like=True, frozen=True):
    """One edge, or (`is_node`) all calls of an outside node, `server`. Durations are ms."""

    client: str
    server: str
    is_node: bool | int
    kind: NodeKind
    from_queue: bool | int
    calls: int | float
    errors: int | float
    mean_ms: float
    max_ms: float
    levels_ms: list[float]
    trace_id: str
    sampled: bool | int


class Node(Service, frozen=True, rename="camel"):
    """A service with the calls it served, or what services call outside. `service` is its name."""

    kind: NodeKind


class Edge(msgspec.Struct, frozen=True, rename="camel"):
    """Calls of one node by another. `kind`: what is called, or `queue` where a queue is one end."""

    client: str
    server: str
    kind: NodeKind
    calls: int | float
    errors: int | float
    p50_ms: float
    p95_ms: float
    trace_id: str


class ServicemapAnswer(msgspec.Struct, frozen=True):
    """Services and what they call, and the calls between them, the most frequent first."""

    columns: list[Column]
    nodes: list[Node]
    edges: list[Edge]
    meta: Meta


def plan_servicemap(request: ServicemapRequest, scope: QueryScope) -> Plan:
    """The statement; more edges than any `limit`, so that every node they lead to is there.
    Raises Rejected."""
    covered = raw_range(request, scope)
    values = Values()
    in_scope = scope_conditions(values, scope.org, scope.app)
    before = TimeRange(max(covered.from_ms - _MARGIN_MS, 0), covered.to_ms)
    after = TimeRange(covered.from_ms, covered.to_ms + _MARGIN_MS)
    counted = [
        *in_scope,
        *raw_time_conditions(values, covered),
        *conditions(request.filters, values, attribute_column(values, SPAN_KEYS)),
    ]
    answered = [*in_scope, *raw_time_conditions(values, after), _HAS_PARENT]
    touching = "1"
    if request.service:
        named = values.text(request.service)
        touching = f"client = {named} OR server = {named}"
    sql = fill(
        "servicemap",
        parents=" AND ".join([*in_scope, *raw_time_conditions(values, before)]),
        children=" AND ".join([*counted, _HAS_PARENT, _FROM_OUTSIDE]),
        outgoing=" AND ".join([*counted, "kind IN ('client', 'producer', 'consumer')"]),
        answered=" AND ".join([*answered, "kind IN ('server', 'consumer')"]),
        touching=touching,
        limit=values.add(_MOST_EDGES + 1, "UInt64"),
    )
    return Plan(values.statement(sql), covered)


def plan_names(request: QuestionRequest, scope: QueryScope) -> Plan:
    """The statement for the names of services with any span. Raises Rejected."""
    covered, whole = rollup_range(request, scope)
    values = Values()
    where = [*scope_conditions(values, scope.org, scope.app), *time_conditions(values, covered)]
    sql = fill(
        "servicemap_names",
        table=SPANS.table(whole),
        where=" AND ".join(where),
        limit=values.add(_MOST_NODES, "UInt64"),
    )
    return Plan(values.statement(sql), covered)


def _calls(request: ServicemapRequest, plan: Plan, rows: Sequence[CallsRow]) -> AnswerPart:
    seconds = plan.range.length_ms / 1000
    every = [row for row in rows if not row.is_node]
    shown = every[: request.limit]
    edges = [
        Edge(
            row.client,
            row.server,
            row.kind,
            row.calls,
            row.errors,
            p50_ms=row.levels_ms[0],
            p95_ms=row.levels_ms[1],
            trace_id=row.trace_id,
        )
        for row in shown
    ]
    outside = {row.server: _outside(row, seconds) for row in rows if row.is_node}
    for row in shown:
        queue = row.client if row.from_queue else row.server
        if row.kind != "service" and queue not in outside:
            outside[queue] = _silent(queue, row.kind)
    called = {name for row in shown if row.kind != "service" for name in (row.client, row.server)}
    return AnswerPart(
        {"outside": [node for name, node in outside.items() if name in called], "edges": edges},
        truncated=len(every) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _outside(row: CallsRow, seconds: float) -> Node:
    p50_ms, p95_ms, p99_ms = row.levels_ms
    return Node(
        service=row.server,
        operation="",
        calls=row.calls,
        rate=row.calls / seconds,
        errors=row.errors,
        error_rate=row.errors / row.calls,
        mean_ms=row.mean_ms,
        max_ms=row.max_ms,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        trace_id=row.trace_id,
        kind=row.kind,
    )


def _silent(name: str, kind: NodeKind) -> Node:
    """A node that was not called in the range: a service that only calls, a queue only read."""
    return Node(name, "", 0, 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, "", kind)


def _served_node(service: Service) -> Node:
    fields = msgspec.structs.asdict(service)
    return Node(**fields | {"kind": "service"})


def _served(plan: Plan, rows: Sequence[ServiceRow]) -> AnswerPart:
    seconds = plan.range.length_ms / 1000
    served = [_served_node(service_of(row, seconds)) for row in rows]
    return AnswerPart({"served": served}, sampled=any(row.sampled for row in rows))


def _names(rows: Sequence[tuple[str]]) -> AnswerPart:
    return AnswerPart({"names": [name for (name,) in rows]}, truncated=len(rows) >= _MOST_NODES)


def _finish(_: ServicemapRequest, fields: dict[str, msgspec.Raw]) -> Mapping[str, object]:
    """Services that served calls, then those that did not, then what is outside of them."""
    served = msgspec.json.decode(fields["served"], type=list[Node])
    outside = msgspec.json.decode(fields["outside"], type=list[Node])
    names = msgspec.json.decode(fields["names"], type=list[str])
    known = {node.service for node in served}
    silent = [_silent(name, "service") for name in names if name not in known]
    services = known | set(names)
    others = [node for node in outside if node.service not in services]
    return {"nodes": [*served, *silent, *others], "edges": fields["edges"]}


def _plan(request: ServicemapRequest, scope: QueryScope) -> list[StoreQuery[Any]]:
    calls = plan_servicemap(request, scope)
    whole = ServicesRequest(from_=calls.range.from_ms, to=calls.range.to_ms, limit=_MOST_NODES)
    served = plan_services(whole, scope)
    return [
        StoreQuery("servicemap", calls, CallsRow, lambda rows: _calls(request, calls, rows)),
        StoreQuery("servicemap_served", served, ServiceRow, lambda rows: _served(served, rows)),
        StoreQuery("servicemap_names", plan_names(whole, scope), tuple[str], _names),
    ]


QUESTION: Final = Question(
    kind="servicemap",
    title="Service map",
    summary="Which service calls which, and the databases, queues and services outside.",
    request=ServicemapRequest,
    answer=ServicemapAnswer,
    plan=_plan,
    columns=(
        Column("nodes", "service", "Node", "service", ""),
        text("nodes", "kind", "Kind"),
        Column("nodes", "rate", "Rate", "rate", "1/s"),
        ratio("nodes", "errorRate", "Errors"),
        text("edges", "client", "From"),
        text("edges", "server", "To"),
        count("edges", "calls", "Calls"),
        count("edges", "errors", "With errors"),
        milliseconds("edges", "p95Ms", "p95"),
    ),
    example={},
    shape="graph",
    finish=_finish,
)
