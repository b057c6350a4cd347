"""`POST /v1/query/errors`, the rates: errors against views (or all events), by release.

Native events, from rollups. An event is an error when it has an `exception.type`, or one of the
names of errors.
"""

from typing import Annotated

import msgspec

from api.query.events import EventName
from api.query.filters import conditions
from api.query.request import MINUTES, Plan, QueryScope, QuestionRequest
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import EVENTS
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, Granularity, TimeRange, parse_range

MAX_RELEASES = 100


class ErrorsRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """Errors and their groups. `names`: events that are errors without an `exception.type` too.

    `against`: the event that errors are measured against; empty for all events. `filters`:
    dimensions of events; where spans and log records lack one, it is "". `spans`, `logs`: whether
    exceptions in spans and log records make groups as well. `limit` groups, the most frequent
    first.
    """

    names: Annotated[list[EventName], msgspec.Meta(max_length=20, title="Events")] = msgspec.field(
        default_factory=lambda: ["exception", "error"]
    )
    against: Annotated[
        str, msgspec.Meta(max_length=255, title="Against", extra={"completes": "metric"})
    ] = "page_view"
    spans: Annotated[bool, msgspec.Meta(title="Spans")] = True
    logs: Annotated[bool, msgspec.Meta(title="Logs")] = True
    limit: Annotated[int, msgspec.Meta(ge=1, le=500, title="Limit")] = 50


class ReleaseRow(msgspec.Struct, array_like=True, frozen=True):
    """Errors of one release; the row with `is_total` is of all."""

    is_total: int
    release: str
    errors: int | float
    against: int | float
    sampled: bool | int


def errors_range(request: ErrorsRequest, scope: QueryScope) -> tuple[TimeRange, Granularity]:
    """The range, of whole minutes when it is short, else of whole hours. Raises Rejected."""
    asked = parse_range(
        request.from_, request.to, now_ms=scope.now_ms, longest_ms=scope.search_days * DAY_MS
    )
    whole = MINUTES if asked.length_ms <= 6 * HOUR_MS else Granularity(HOUR_MS)
    return whole.cover(asked), whole


def plan_error_rates(request: ErrorsRequest, scope: QueryScope) -> Plan:
    """The statement. Raises Rejected."""
    covered, whole = errors_range(request, scope)
    values = Values()
    where = [
        *scope_conditions(values, scope.org, scope.app),
        *time_conditions(values, covered),
        *conditions(
            request.filters, values, lambda key, field: EVENTS.dimension(key, values, field)
        ),
    ]
    names = ", ".join(values.text(name) for name in sorted(set(request.names)))
    named = f" OR name IN ({names})" if names else ""
    return Plan(
        values.statement(
            fill(
                "error_rates",
                is_error=f"dims['error'] != ''{named}",
                is_against=f"name = {values.text(request.against)}" if request.against else "1",
                table=EVENTS.table(whole),
                where=" AND ".join(where),
                limit=values.add(MAX_RELEASES + 2, "UInt64"),
            )
        ),
        covered,
    )
