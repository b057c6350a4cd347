"""`GET /v1/traces/{id}`: every span of one trace, in order of their start.

Of a trace that is larger than one result may be, the spans that began first are shown, and
`meta.truncated` says so.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.scoping import scope_conditions
from api.query.search import trace_id_condition
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, TimeRange
from api.query.typed_attributes import TypedAttributes, as_answered, typed_attributes
from api.questions.columns import Column, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_SPANS: Final = 20_000


class TraceRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """`id`: 32 hexadecimal digits."""

    id: Annotated[str, msgspec.Meta(title="Trace")]


class SpanRow(msgspec.Struct, array_like=True, frozen=True):
    """One span. Times are nanoseconds since the epoch, as text; attributes JSON."""

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
    attributes: str
    resource_attributes: str
    scope_name: str
    scope_version: str
    events: list[tuple[str, str, str]]
    links: list[tuple[str, str, str, str]]
    app: str


class SpanEvent(msgspec.Struct, frozen=True):
    """Something that happened during a span. `time`: nanoseconds since the epoch, as text."""

    time: str
    name: str
    attributes: TypedAttributes


class SpanLink(msgspec.Struct, frozen=True, rename="camel"):
    """Another span that this one points to."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: TypedAttributes


class Span(msgspec.Struct, frozen=True, rename="camel"):
    """A span. `start_time`: nanoseconds since the epoch, as text."""

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
    attributes: TypedAttributes
    resource_attributes: TypedAttributes
    scope_name: str
    scope_version: str
    events: list[SpanEvent]
    links: list[SpanLink]
    app: str


class TraceAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """All spans of a trace, in order of their start."""

    columns: list[Column]
    trace_id: str
    spans: list[Span]
    meta: Meta


def plan_trace(request: TraceRequest, scope: QueryScope, *, reads: int) -> Plan:
    """The statement, which reads `reads` spans. Raises Rejected unless the id is one."""
    values = Values()
    where = [
        *scope_conditions(values, scope.org, scope.app),
        trace_id_condition(values, request.id, "traceId"),
    ]
    sql = fill(
        "trace",
        where=" AND ".join(where),
        attributes=typed_attributes("attrs", "attr_types"),
        resource_attributes=typed_attributes("resource_attrs", "resource_attr_types"),
        nested=typed_attributes("m", "l"),
        limit=values.add(reads, "UInt64"),
    )
    kept = TimeRange(max(scope.now_ms - scope.search_days * DAY_MS, 0), scope.now_ms)
    return Plan(values.statement(sql), kept)


def _answer_part(request: TraceRequest, reads: int, rows: Sequence[SpanRow]) -> AnswerPart:
    if not rows:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            "No span of this trace is here: it may be older than raw data is kept, not stored yet, "
            "or outside this token's scope.",
            field="traceId",
        )
    spans = [_span(row) for row in rows[: max(reads - 1, 1)]]
    fields = {"traceId": request.id.strip().lower(), "spans": spans}
    return AnswerPart(fields, truncated=len(rows) == reads)


def _span(row: SpanRow) -> Span:
    fields = msgspec.structs.asdict(row)
    fields["attributes"] = as_answered(row.attributes)
    fields["resource_attributes"] = as_answered(row.resource_attributes)
    fields["events"] = [SpanEvent(at, name, as_answered(text)) for at, name, text in row.events]
    fields["links"] = [
        SpanLink(trace, span, state, as_answered(text)) for trace, span, state, text in row.links
    ]
    return Span(**fields)


def _query(request: TraceRequest, scope: QueryScope, reads: int) -> StoreQuery[SpanRow]:
    return StoreQuery(
        "trace",
        plan_trace(request, scope, reads=reads),
        SpanRow,
        lambda rows: _answer_part(request, reads, rows),
        smaller=(lambda: _query(request, scope, reads // 2)) if reads > 1 else None,
    )


def _plan(request: TraceRequest, scope: QueryScope) -> list[StoreQuery[SpanRow]]:
    return [_query(request, scope, MAX_SPANS + 1)]


QUESTION: Final = Question(
    kind="trace",
    title="Trace",
    summary="All spans of one trace.",
    request=TraceRequest,
    answer=TraceAnswer,
    plan=_plan,
    columns=(
        text("spans", "name", "Name"),
        Column("spans", "service", "Service", "service", ""),
        Column("spans", "startTime", "Start", "text", "ns"),
        Column("spans", "durationNs", "Duration", "duration", "ns"),
        text("spans", "status", "Status"),
    ),
    example={"id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    shape="records",
    cached=False,
    method="GET",
    route="/v1/traces/{id}",
    path_parameters={"id": "^[0-9a-fA-F]{32}$"},
)
