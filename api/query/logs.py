"""`POST /v1/query/logs`: a page of log records, by conditions on raw rows."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from api.query.attributes import LOGS, attribute_column
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions, trace_id_condition
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, TimeRange, parse_instant, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

SEVERITIES: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
"""Least severity number of each name.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_CURSOR: Final = re.compile(r"([0-9]{1,19})\.([0-9]{1,6})\Z")


class LogsRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A search in logs.

    `severity`: a name or number; records at least as severe. `contains`: text in the body, without
    regard to the case of ASCII letters. `filters`: attributes of the record or its resource.
    `before`: only records before this time. `cursor`: from an earlier answer to the same question,
    for what follows it.
    """

    from_: str | int | float = msgspec.field(name="from", default="now-1h")
    to: str | int | float = "now"
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    severity: str | int = 0
    contains: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    filters: list[Filter] = []
    trace_id: str = ""
    order: Literal["desc", "asc"] = "desc"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    before: str | int | float | None = None
    cursor: str = ""
    sql: bool = False
    org_id: str = ""
    app_id: str = ""


class LogRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement. Times are nanoseconds since the epoch, as text."""

    id: str
    time: str
    observed_time: str
    severity_number: int
    severity_text: str
    body: str
    event_name: str
    service: str
    trace_id: str
    span_id: str
    attributes: dict[str, str]
    resource_attributes: dict[str, str]
    scope_name: str
    app: str


def severity_number(severity: str | int) -> int:
    """The least severity number asked for; 0 = any. Raises Rejected."""
    if isinstance(severity, int):
        if 0 <= severity <= 24:
            return severity
    else:
        name = severity.strip().upper()
        name = {"": "TRACE", "WARNING": "WARN", "CRITICAL": "FATAL"}.get(name, name)
        if name in SEVERITIES:
            return SEVERITIES[name] if severity else 0
        if name.isascii() and name.isdigit() and int(name[:3]) <= 24:
            return int(name)
    raise Rejected(
        QuestionReason.INVALID_FIELD,
        f"severity is one of {', '.join(SEVERITIES)}, or a number from 1 to 24.",
        field="severity",
    )


def plan_logs(
    request: LogsRequest, *, org: str, app: str, now_ms: int, search_days: int
) -> Statement:
    """The statement; one row more than `limit`, to tell whether more follow. Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=now_ms, longest_ms=search_days * DAY_MS)
    if request.before is not None:
        before = parse_instant(request.before, now_ms=now_ms, field="before")
        asked = TimeRange(asked.from_ms, max(min(asked.to_ms, before), asked.from_ms))
    values = Values()
    newest_first = request.order == "desc"
    where, skip = log_conditions(request, values, asked, org, app), 0
    if request.cursor:
        edge_ns, skip = _read_cursor(request.cursor)
        edge = f"fromUnixTimestamp64Nano({values.integer(edge_ns)}, 'UTC')"
        where.append(f"time {'<=' if newest_first else '>='} {edge}")
    return values.statement(
        fill(
            "logs",
            where=" AND ".join(where),
            beyond=">=" if newest_first else "<=",
            edge="min" if newest_first else "max",
            direction="DESC" if newest_first else "ASC",
            reach=values.add(request.limit + 1 + skip, "UInt64"),
            limit=values.add(request.limit + 1, "UInt64"),
            skip=values.add(skip, "UInt64"),
        )
    )


def log_conditions(
    request: LogsRequest, values: Values, asked: TimeRange, org: str, app: str
) -> list[str]:
    """The conditions of a search on rows of `logs`. Raises Rejected."""
    where = [*scope_conditions(values, org, app), *raw_time_conditions(values, asked)]
    if request.service:
        where.append(f"service = {values.text(request.service)}")
    least = severity_number(request.severity)
    if least:
        where.append(f"severity_number >= {values.integer(least)}")
    if request.trace_id:
        where.append(trace_id_condition(values, request.trace_id, "traceId"))
    if request.contains:
        where.append(f"lower(body) LIKE {values.text(_pattern(request.contains))}")
    return where + conditions(request.filters, values, attribute_column(values, LOGS))


def _pattern(text: str) -> str:
    """LIKE pattern for a text in lower case: this form uses the index on the words of bodies."""
    lowered = "".join(c.lower() if c.isascii() else c for c in text)
    escaped = lowered.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _read_cursor(cursor: str) -> tuple[int, int]:
    match = _CURSOR.match(cursor)
    if match is None or int(match[1]) >= 1 << 63:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "cursor is not one of ours; take it from the answer that this one follows.",
            field="cursor",
        )
    return int(match[1]), int(match[2])


def next_cursor(shown: Sequence[LogRow], cursor: str) -> str:
    """Where the next page begins: the last time shown, and how many of that time were shown."""
    last_ns = int(shown[-1].time)
    same = sum(1 for row in shown if int(row.time) == last_ns)
    if cursor and same == len(shown):
        edge_ns, skipped = _read_cursor(cursor)
        same += skipped if edge_ns == last_ns else 0
    return f"{last_ns}.{same}"
