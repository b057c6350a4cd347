"""`POST /v1/query/traces`, `GET /v1/traces/{id}`: never cached."""

import msgspec

from api.answers import (
    Meta,
    Span,
    SpanEvent,
    SpanLink,
    TraceAnswer,
    TracesAnswer,
    TraceSummary,
    encode,
)
from api.context import Context
from api.query.decode import from_json
from api.query.statement import Statement
from api.query.traces import (
    MAX_SPANS,
    SpanRow,
    TraceRow,
    TracesRequest,
    plan_trace,
    plan_traces,
)
from api.reasons import QuestionReason
from api.scope import Scope, narrow
from api.store import Rows
from seamark.wire.failures import Rejected


async def traces(context: Context, scope: Scope, body: bytes) -> bytes:
    """Traces in short. Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, TracesRequest)
    scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
    rows_read = bytes_read = 0
    for statement in plan_traces(
        request,
        org=scope.org,
        app=scope.app,
        now_ms=context.clock_ms(),
        search_days=context.settings.search_days,
    ):
        answered = await context.store.ask(statement, TraceRow)
        rows_read += answered.rows_read
        bytes_read += answered.bytes_read
        if len(answered.rows) > request.limit:
            break
    answered = Rows(answered.rows, rows_read, bytes_read)
    return encode(
        TracesAnswer(
            traces=[
                TraceSummary(*msgspec.structs.astuple(row))
                for row in answered.rows[: request.limit]
            ],
            meta=_meta(answered, len(answered.rows) > request.limit, statement, request.sql),
        )
    )


async def trace(context: Context, scope: Scope, trace_id: str) -> bytes:
    """One trace. Raises Rejected (NOT_FOUND: none of it in scope), Unavailable, StoreFault."""
    statement = plan_trace(trace_id, org=scope.org, app=scope.app)
    answered = await context.store.ask(statement, SpanRow)
    if not answered.rows:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            "No span of this trace is here: it may be older than raw data is kept, not stored yet, "
            "or outside this token's scope.",
            field="traceId",
        )
    return encode(
        TraceAnswer(
            trace_id=trace_id.strip().lower(),
            spans=[_span(row) for row in answered.rows[:MAX_SPANS]],
            meta=_meta(answered, len(answered.rows) > MAX_SPANS, statement, False),
        )
    )


def _span(row: SpanRow) -> Span:
    fields = msgspec.structs.asdict(row)
    fields["events"] = [SpanEvent(*event) for event in row.events]
    fields["links"] = [SpanLink(*link) for link in row.links]
    return Span(**fields)


def _meta(answered: Rows[object], truncated: bool, statement: Statement, sql: bool) -> Meta:
    return Meta(
        rows_read=answered.rows_read,
        bytes_read=answered.bytes_read,
        truncated=truncated,
        sql=statement.sql if sql else msgspec.UNSET,
    )
