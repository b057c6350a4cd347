"""What questions have in common: request fields, the scope they are planned in, ranges, plans."""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from api.query.filters import Filter
from api.query.request_fields import HiddenFlag
from api.query.sources import SourceName
from api.query.statement import Statement
from api.query.timerange import (
    DAY_MS,
    MINUTE_MS,
    NARROWER,
    Granularity,
    TimeRange,
    parse_range,
)

MINUTES: Final = Granularity(MINUTE_MS)
Instant = str | int | float
"""`now`, `now-15m`, ISO 8601 or epoch milliseconds; `timerange` reads it."""


class ScopedRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Fields of every request: whose rows, and what is done about cache and statement.

    `sql: true` adds the statement as `meta.sql`; `cache: false` always reads the store.
    """

    cache: HiddenFlag = True
    sql: HiddenFlag = False
    org_id: str = ""
    app_id: str = ""


class QuestionRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """A request with a range and filters."""

    from_: Instant = msgspec.field(name="from", default="now-24h")
    to: Instant = "now"
    filters: Annotated[list[Filter], msgspec.Meta(title="Filters")] = []


@dataclass(frozen=True, slots=True)
class QueryScope:
    """For whom and when a question is planned. `app` empty: all apps of the org.

    `search_days`: longest range of raw rows, in days. `minute_days`: how long rollups per minute
    are kept, in days. `source`: where the request's metric is stored; None: it is not known yet.
    """

    org: str
    app: str
    now_ms: int
    search_days: int
    minute_days: int
    source: SourceName | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, and the range it answers.

    `granularity` empty: there are no buckets. `running_ms`: start of the bucket that had not ended
    when this was planned, in epoch milliseconds.
    """

    statement: Statement
    range: TimeRange
    granularity: str = ""
    running_ms: int | None = None


def raw_range(
    request: QuestionRequest,
    scope: QueryScope,
    whole: Granularity = MINUTES,
    *,
    narrower: str = NARROWER,
) -> TimeRange:
    """The range of a question about raw rows, widened to whole minutes (or `whole`).

    So equal questions of one minute are equal statements. Raises Rejected when it is empty, no
    time, or longer than raw rows are read for.
    """
    asked = parse_range(
        request.from_,
        request.to,
        now_ms=scope.now_ms,
        longest_ms=scope.search_days * DAY_MS,
        narrower=narrower,
    )
    return whole.cover(asked)
