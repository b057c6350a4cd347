"""`POST /v1/query/logs`: a page of log records, by conditions on raw rows.

Records are in order of (time, id, number of the copy). A cursor is the place of the last record of
a page in that order, so no page repeats or leaves out a record, whatever is stored meanwhile. A
page that would be larger than one result of the store may be is shorter, and has a cursor.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from api.answers import Meta
from api.query.log_records import (
    LogRecord,
    LogRow,
    log_conditions,
    numbered,
    read_id,
    record_columns,
    record_of,
)
from api.query.request import Instant, Plan, QueryScope, QuestionRequest
from api.query.request_fields import BodyField, CursorField, ServiceField, SeverityField, TraceField
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, TimeRange, parse_instant, parse_range
from api.questions.columns import Column, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

_CURSOR: Final = re.compile(r"([0-9]{1,19})\.([0-9a-f]{16})\.([0-9]{1,6})\Z")


class LogsRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """A search in logs.

    `severity`: a name or number; records at least as severe. `contains`: text in the body, without
    regard to the case of A to Z. `filters`: attributes of the record or its resource.
    `before`: only records before this time. `cursor`: from an earlier answer to the same question,
    for what follows it.
    """

    from_: Instant = msgspec.field(name="from", default="now-1h")
    service: ServiceField = ""
    severity: SeverityField = 0
    contains: BodyField = ""
    trace_id: TraceField = ""
    order: Annotated[Literal["desc", "asc"], msgspec.Meta(extra={"hidden": True})] = "desc"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, title="Limit")] = 100
    before: Annotated[Instant | None, msgspec.Meta(extra={"hidden": True})] = None
    cursor: CursorField = ""


class LogsAnswer(msgspec.Struct, frozen=True):
    """A page of records; `cursor` asks for the next one, empty when this is the last."""

    columns: list[Column]
    logs: list[LogRecord]
    cursor: str
    meta: Meta


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The last record of a page: its time, the hash in its id, and its number among copies."""

    time_ns: int
    hash: str
    copy: int

    def __str__(self) -> str:
        return f"{self.time_ns}.{self.hash}.{self.copy}"


def _read_cursor(cursor: str) -> _Cursor | None:
    if not cursor:
        return None
    match = _CURSOR.match(cursor)
    if match is None or int(match[1]) >= 1 << 63:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "cursor is not one of ours; take it from the answer that this one follows.",
            field="cursor",
        )
    return _Cursor(int(match[1]), match[2], int(match[3]))


def plan_logs(request: LogsRequest, scope: QueryScope, *, reads: int) -> Plan:
    """The statement, which reads `reads` records. Raises Rejected."""
    asked = parse_range(
        request.from_, request.to, now_ms=scope.now_ms, longest_ms=scope.search_days * DAY_MS
    )
    if request.before is not None:
        before = parse_instant(request.before, now_ms=scope.now_ms, field="before")
        asked = TimeRange(asked.from_ms, max(min(asked.to_ms, before), asked.from_ms))
    values = Values()
    newest_first = request.order == "desc"
    where = log_conditions(request, values, asked, scope.org, scope.app)
    cursor = _read_cursor(request.cursor)
    at_cursor, past, not_before = "0", "1", "1"
    if cursor:
        at = f"fromUnixTimestamp64Nano({values.integer(cursor.time_ns)}, 'UTC')"
        at_cursor = f"logs.time = {at}"
        past = f"logs.time {'<' if newest_first else '>'} {at}"
        not_before = f"(logs.time != {at} OR id >= {values.text(cursor.hash)})"
    statement = values.statement(
        fill(
            "logs",
            record=record_columns(),
            where=" AND ".join(where),
            at_cursor=at_cursor,
            past=past,
            not_before=not_before,
            beyond=">=" if newest_first else "<=",
            edge="min" if newest_first else "max",
            direction="DESC" if newest_first else "ASC",
            reach=values.add(reads, "UInt64"),
            limit=values.add(reads, "UInt64"),
            skip=values.add(cursor.copy if cursor else 0, "UInt64"),
        )
    )
    return Plan(statement, asked)


def _answer_part(request: LogsRequest, reads: int, rows: Sequence[LogRow]) -> AnswerPart:
    """Of `reads` records that were read, the last only tells that there are more; of one record,
    it is not known."""
    cursor = _read_cursor(request.cursor)
    found = numbered(rows, before=(cursor.hash, cursor.copy) if cursor else ("", 0))
    shown = found[: min(request.limit, max(reads - 1, 1))]
    more = len(rows) > len(shown) or len(rows) == reads == 1
    last = ""
    if more:
        hash_, copy = read_id(shown[-1].id, "id")
        last = str(_Cursor(int(shown[-1].time), hash_, copy))
    return AnswerPart({"logs": [record_of(row) for row in shown], "cursor": last}, truncated=more)


def _query(request: LogsRequest, scope: QueryScope, reads: int) -> StoreQuery[LogRow]:
    return StoreQuery(
        "logs",
        plan_logs(request, scope, reads=reads),
        LogRow,
        lambda rows: _answer_part(request, reads, rows),
        smaller=(lambda: _query(request, scope, reads // 2)) if reads > 1 else None,
    )


def _plan(request: LogsRequest, scope: QueryScope) -> list[StoreQuery[LogRow]]:
    return [_query(request, scope, request.limit + 1)]


QUESTION: Final = Question(
    kind="logs",
    title="Logs",
    summary="Search in logs.",
    request=LogsRequest,
    answer=LogsAnswer,
    plan=_plan,
    columns=(
        Column("logs", "time", "Time", "text", "ns"),
        text("logs", "severityText", "Severity"),
        Column("logs", "service", "Service", "service", ""),
        text("logs", "body", "Body"),
        Column("logs", "traceId", "Trace", "trace", ""),
    ),
    example={},
    shape="records",
    cached=False,
)
