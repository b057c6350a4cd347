"""`POST /v1/query/logs/context`: the records of the same service before and after a record.

Records are in order of (time, id, number of the copy), as a search gives them, so that those of one
nanosecond come neither twice nor not at all.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.attributes import LOGS, attribute_column
from api.query.filters import Filter, conditions
from api.query.log_records import (
    LogRecord,
    LogRow,
    made_id,
    read_id,
    record_columns,
    record_of,
)
from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.request_fields import ServiceField
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions
from api.query.statement import Values, fill
from api.query.timerange import TimeRange
from api.questions.columns import Column, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

_TIME: Final = re.compile(r"[0-9]{1,19}\Z")


class LogContextRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """`id`, `time` (nanoseconds, as text) and `service` of a record from a search.

    `before`, `after`: how many records, at most `withinSec` away. `filters`: as of a search.
    """

    id: str
    time: str
    service: ServiceField = ""
    before: Annotated[int, msgspec.Meta(ge=0, le=500, title="Before")] = 10
    after: Annotated[int, msgspec.Meta(ge=0, le=500, title="After")] = 10
    within_sec: Annotated[int, msgspec.Meta(ge=1, le=86400, title="Within")] = 3600
    filters: Annotated[list[Filter], msgspec.Meta(title="Filters")] = msgspec.field(
        default_factory=list
    )


class ContextRow(LogRow, array_like=True, frozen=True):
    """A record; `later` than the one it is the context of; its number among copies."""

    later: int
    copy: int


class LogContextAnswer(msgspec.Struct, frozen=True):
    """The records of the same service before and after a record, on each side the nearest first."""

    columns: list[Column]
    before: list[LogRecord]
    after: list[LogRecord]
    meta: Meta


def plan_log_context(
    request: LogContextRequest, scope: QueryScope, *, before: int, after: int
) -> Plan:
    """The statement: the records before, the nearest first, then those after. Raises Rejected."""
    time_ns = int(request.time) if _TIME.match(request.time) else 1 << 63
    if time_ns >= 1 << 63:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "time is not that of a log record (nanoseconds since 1970, as text); take it from the "
            "answer of a search.",
            field="time",
        )
    hash_, copy = read_id(request.id, "id")
    values = Values()
    time_ms, reach_ms = time_ns // 1_000_000, request.within_sec * 1000
    around = TimeRange(max(time_ms - reach_ms, 0), time_ms + reach_ms + 1)
    where = [
        *scope_conditions(values, scope.org, scope.app),
        f"service = {values.text(request.service)}",
        *raw_time_conditions(values, around),
        *conditions(request.filters, values, attribute_column(values, LOGS)),
    ]
    sides = [
        fill(
            "log_context",
            record=record_columns(),
            where=" AND ".join(where),
            at=f"fromUnixTimestamp64Nano({values.integer(time_ns)}, 'UTC')",
            at_ns=values.integer(time_ns),
            record_id=values.text(hash_),
            copy=values.add(copy, "UInt64"),
            nearer=nearer,
            within=within,
            farthest=farthest,
            direction=direction,
            later=later,
            limit=values.add(limit, "UInt64"),
        )
        for later, nearer, within, farthest, direction, limit in (
            ("0", "<", ">=", "min", "DESC", before),
            ("1", ">", "<=", "max", "ASC", after),
        )
    ]
    return Plan(values.statement("\nUNION ALL\n".join(sides)), around)


def _answer_part(truncated: bool, rows: Sequence[ContextRow]) -> AnswerPart:
    sides: tuple[list[LogRecord], list[LogRecord]] = ([], [])
    for row in rows:
        own = msgspec.structs.replace(row, id=made_id(row.id, row.copy))
        sides[row.later].append(record_of(own))
    return AnswerPart({"before": sides[0], "after": sides[1]}, truncated=truncated)


def _query(
    request: LogContextRequest, scope: QueryScope, before: int, after: int
) -> StoreQuery[ContextRow]:
    fewer = (before, after) != (request.before, request.after)
    return StoreQuery(
        "log_context",
        plan_log_context(request, scope, before=before, after=after),
        ContextRow,
        lambda rows: _answer_part(fewer, rows),
        smaller=(lambda: _query(request, scope, before // 2, after // 2))
        if before + after
        else None,
    )


def _plan(request: LogContextRequest, scope: QueryScope) -> list[StoreQuery[ContextRow]]:
    return [_query(request, scope, request.before, request.after)]


QUESTION: Final = Question(
    kind="log_context",
    title="Log context",
    summary="The log records before and after one.",
    request=LogContextRequest,
    answer=LogContextAnswer,
    plan=_plan,
    columns=tuple(
        column
        for rows in ("before", "after")
        for column in (
            Column(rows, "time", "Time", "text", "ns"),
            text(rows, "severityText", "Severity"),
            text(rows, "body", "Body"),
        )
    ),
    example={"id": "9f86d081884c7d65", "time": "1795343040123456789"},
    shape="records",
    cached=False,
    route="/v1/query/logs/context",
)
