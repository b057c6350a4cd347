"""`POST /v1/query/sessions`: how many visits there are, how long, and how many end at once.

What is counted, exactly: events with one `sessionId` (else with one user) are in order of their
time, and a new session begins after more than `gapSec` without one. A session belongs to the bucket
and the group of its first event, and is known up to the end of the range; one that began before the
range is left out. It weighs what its first event weighs (apps sample whole sessions), in all but
the percentiles, which are exact and not weighted. Its length is from the first event to the last.
The bounce rate is the share of sessions with one page view (an event named `view`) among those with
any. Of events of one time the first is that with the smallest (device's clock, weight, TIE); of
those alike in all of these, any.

Questions are answered from *pieces*: what one key did within one *slot* of time. A slot is never
longer than the gap, so no session begins inside a piece. The rollup (`visits_15m`) has pieces
of 15 minutes and serves gaps of that length and more; it knows no filters, no dimensions but ROLLED
and the app, and no views of another name. All else reads raw events, and so does the slot that the
range ends in (`sessions_rolled.sql`). Both ways give the same answer.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Series, TimeseriesAnswer
from api.query.calendar_request import CalendarRequest, raw_buckets
from api.query.events import (
    WEIGHT,
    EventName,
    column,
    dimension,
    event_conditions,
    in_order,
)
from api.query.filters import conditions
from api.query.people import HAS_PERSON, SESSION
from api.query.request import Plan, QueryScope
from api.query.request_fields import GranularityField, LabelField
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, TimeRange
from api.questions.columns import count, instant, milliseconds, ratio
from api.questions.question import AnswerPart, Question, StoreQuery
from seamark.wire.dimensions import SESSION_DIMENSIONS

ROLLED: Final = ("name", *SESSION_DIMENSIONS)
"""Dimensions of a piece's first event that the rollup has, beside its app."""
TIE: Final = "cityHash64(receipt, name, event_id)"
"""SQL of what decides between events of one session with one time, one device's clock and weight:
as good as chance, but always the same. The rollup has it of each piece's first event."""
SLOT_MS: Final = 15 * MINUTE_MS
ROLLED_VIEW: Final = "page_view"
GapSeconds = Annotated[
    int,
    msgspec.Meta(
        ge=1, le=86400, title="Gap, s", description="Seconds without an event that end a session"
    ),
]


class SessionsRequest(CalendarRequest, frozen=True, kw_only=True, rename="camel"):
    """`granularity`: as of series, or `all` for the range as one bucket. `groupBy`: a dimension of
    a session's first event. `filters` say which events make sessions."""

    granularity: GranularityField = "1d"
    group_by: LabelField = ""
    gap_sec: GapSeconds = 1800
    view: Annotated[EventName, msgspec.Meta(title="View", extra={"completes": "metric"})] = (
        "page_view"
    )
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, title="Limit")] = 50


class SessionsRow(msgspec.Struct, array_like=True, frozen=True):
    """One series of the statement; `points` are rows of `_COLUMNS`."""

    label: str
    points: msgspec.Raw
    total: float
    sampled: bool | int


def plan_sessions(request: SessionsRequest, scope: QueryScope) -> Plan:
    """The statement; one series more than `limit`, to tell whether it is all. Raises Rejected."""
    buckets = raw_buckets(request, scope, request.granularity, auto_buckets=300, most_buckets=1000)
    covered = buckets.range
    values = Values()
    wider = TimeRange(max(covered.from_ms - request.gap_sec * 1000, 0), covered.to_ms)
    sources = _rolled if _is_rolled(request) else _raw
    sql = fill(
        "sessions",
        **sources(request, scope, values, wider),
        key=SESSION,
        place=in_order("time", "ts", WEIGHT, TIE if request.group_by else "0"),
        group=dimension(request.group_by, "groupBy") if request.group_by else "''",
        view=values.text(request.view),
        gap=values.integer(request.gap_sec * 1000),
        bucket=buckets.start_sql(values, "intDiv(at, 1000)"),
        since=values.integer(covered.from_ms),
        limit=values.add(request.limit + 1, "UInt64"),
    )
    return Plan(values.statement(sql), covered, buckets.text, buckets.running_at(scope.now_ms))


def _is_rolled(request: SessionsRequest) -> bool:
    """Whether the rollup knows the answer. Filters that hold for everything are none."""
    return (
        request.gap_sec * 1000 >= SLOT_MS
        and not conditions(request.filters, Values(), column(Values()))
        and request.view == ROLLED_VIEW
        and request.group_by in ("", "app", *ROLLED)
    )


def _raw(
    request: SessionsRequest, scope: QueryScope, values: Values, wider: TimeRange
) -> dict[str, str]:
    """Slots of the statement where all pieces are of raw events."""
    return {
        "rolled": "",
        "where": " AND ".join(_conditions(request, scope, values, wider)),
        "slot": values.integer(min(request.gap_sec * 1000, SLOT_MS)),
        "pieces": "raw_pieces",
        "of_one_piece": "",
    }


def _rolled(
    request: SessionsRequest, scope: QueryScope, values: Values, wider: TimeRange
) -> dict[str, str]:
    """Slots of the statement where pieces are of the rollup, and of raw events after it."""
    whole = TimeRange(wider.from_ms - wider.from_ms % SLOT_MS, wider.to_ms)
    last_slot_ms = whole.to_ms - 1 - (whole.to_ms - 1) % SLOT_MS
    since = f"toDateTime({values.integer(whole.from_ms // 1000)}, 'UTC')"
    until = f"fromUnixTimestamp64Milli({values.integer(whole.to_ms)}, 'UTC')"
    where = [
        *scope_conditions(values, scope.org, scope.app),
        f"received_on >= toDate({since}, 'UTC')",
        f"slot >= {since}",
        f"slot < {until}",
    ]
    label = {"": "''", "app": "toString(v.app)"}.get(
        request.group_by, f"v.first.{request.group_by}"
    )
    rolled = fill(
        "sessions_rolled",
        where=" AND ".join(where),
        last_slot=f"toDateTime({values.integer(last_slot_ms // 1000)}, 'UTC')",
        last_slot_ms=values.integer(last_slot_ms),
        until=until,
        until_ms=values.integer(whole.to_ms),
        place=in_order("v.first.time", "v.first.ts", WEIGHT, "v.first.tie"),
        group=label,
    )
    not_rolled = "time >= fromUnixTimestamp64Milli(rolled_until, 'UTC')"
    return {
        "rolled": rolled,
        "where": " AND ".join([*_conditions(request, scope, values, whole), not_rolled]),
        "slot": values.integer(SLOT_MS),
        "pieces": "joined_pieces",
        "of_one_piece": fill("sessions_of_one_piece"),
    }


def _conditions(
    request: SessionsRequest, scope: QueryScope, values: Values, covered: TimeRange
) -> list[str]:
    """Conditions of the raw events."""
    return [
        *event_conditions(values, covered, org=scope.org, app=scope.app),
        HAS_PERSON,
        *conditions(request.filters, values, column(values)),
    ]


def _answer_part(request: SessionsRequest, rows: Sequence[SessionsRow]) -> AnswerPart:
    shown = rows[: request.limit]
    key = request.group_by
    series = [Series({key: row.label} if key else {}, row.points) for row in shown]
    return AnswerPart(
        {"columns": [column.key for column in _COLUMNS], "series": series},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _plan(request: SessionsRequest, scope: QueryScope) -> list[StoreQuery[SessionsRow]]:
    plan = plan_sessions(request, scope)
    return [StoreQuery("sessions", plan, SessionsRow, lambda rows: _answer_part(request, rows))]


_COLUMNS: Final = (
    instant("series", "time", "Time"),
    count("series", "sessions", "Sessions"),
    count("series", "eventsPerSession", "Events per session"),
    milliseconds("series", "lengthP50Ms", "Median length"),
    milliseconds("series", "lengthP95Ms", "p95 length"),
    ratio("series", "bounceRate", "Bounce rate"),
)
QUESTION: Final = Question(
    kind="sessions",
    title="Sessions",
    summary="Sessions: how many, how long, how many bounce.",
    request=SessionsRequest,
    answer=TimeseriesAnswer,
    plan=_plan,
    columns=_COLUMNS,
    example={"groupBy": "country"},
    shape="series",
)
