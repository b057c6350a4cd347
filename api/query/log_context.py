"""`POST /v1/query/logs/context`: the records of the same service before and after a record.

Records are in order of (time, id), as a search gives them, so that those of one nanosecond come
neither twice nor not at all.
"""

import re
from typing import Annotated, Final

import msgspec

from api.query.attributes import LOGS, attribute_column
from api.query.filters import Filter, conditions
from api.query.logs import LogRow
from api.query.scoping import scope_conditions
from api.query.search import raw_time_conditions
from api.query.statement import Statement, Values, fill
from api.query.timerange import TimeRange
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

_TIME: Final = re.compile(r"[0-9]{1,19}\Z")
_ID: Final = re.compile(r"[0-9a-f]{16}\Z")


class LogContextRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """`id`, `time` (nanoseconds, as text) and `service` of a record from a search.

    `before`, `after`: how many records, at most `withinSec` away. `filters`: as of a search.
    """

    id: str
    time: str
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    before: Annotated[int, msgspec.Meta(ge=0, le=500)] = 10
    after: Annotated[int, msgspec.Meta(ge=0, le=500)] = 10
    within_sec: Annotated[int, msgspec.Meta(ge=1, le=86400)] = 3600
    filters: list[Filter] = []
    sql: bool = False
    org_id: str = ""
    app_id: str = ""


class ContextRow(LogRow, array_like=True, frozen=True):
    """A record; `later` than the one it is the context of."""

    later: int


def plan_log_context(request: LogContextRequest, *, org: str, app: str) -> Statement:
    """The statement: the records before, the nearest first, then those after. Raises Rejected."""
    time_ns = int(request.time) if _TIME.match(request.time) else 1 << 63
    if time_ns >= 1 << 63:
        raise _not_of_a_record("time", "nanoseconds since 1970, as text")
    if not _ID.match(request.id):
        raise _not_of_a_record("id", "16 hexadecimal digits")
    values = Values()
    time_ms, reach_ms = time_ns // 1_000_000, request.within_sec * 1000
    around = TimeRange(max(time_ms - reach_ms, 0), time_ms + reach_ms + 1)
    where = [
        *scope_conditions(values, org, app),
        f"service = {values.text(request.service)}",
        *raw_time_conditions(values, around),
        *conditions(request.filters, values, attribute_column(values, LOGS)),
    ]
    at = f"fromUnixTimestamp64Nano({values.integer(time_ns)}, 'UTC')"
    record = values.text(request.id)
    sides = [
        fill(
            "log_context",
            where=" AND ".join(where),
            at=at,
            record=record,
            nearer=nearer,
            within=within,
            farthest=farthest,
            direction=direction,
            later=later,
            limit=values.add(limit, "UInt64"),
        )
        for later, nearer, within, farthest, direction, limit in (
            ("0", "<", ">=", "min", "DESC", request.before),
            ("1", ">", "<=", "max", "ASC", request.after),
        )
    ]
    return values.statement("\nUNION ALL\n".join(sides))


def _not_of_a_record(field: str, what: str) -> Rejected[QuestionReason]:
    return Rejected(
        QuestionReason.INVALID_FIELD,
        f"{field} is not that of a log record ({what}); take it from the answer of a search.",
        field=field,
    )
