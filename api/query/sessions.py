"""`POST /v1/query/sessions`: how many visits there are, how long, and how many end at once.

What is counted, exactly: events with one `sessionId` (else with one user) are in order of (time,
device's clock, group, page view or not, weight), and a new session begins after more than `gapSec`
without one. A session belongs to the bucket and the group of its first event, and is known up to
the end of the range; one that began before the range is left out. It weighs what its first event
weighs (apps sample whole sessions), in all but the percentiles, which are exact and not weighted.
Its length is from the first event to the last. The bounce rate is the share of sessions with one
page view (an event named `view`) among those with any.
"""

from typing import Annotated, Final

import msgspec

from api.query.asked import Asked, Plan, Within, raw_range
from api.query.events import SOMEBODY, EventName, column, dimension, event_conditions
from api.query.filters import conditions
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, Granularity, TimeRange, choose_granularity

COLUMNS: Final = (
    "time", "sessions", "eventsPerSession", "lengthP50Ms", "lengthP95Ms", "bounceRate",
)  # fmt: skip
SESSION: Final = "if(session_id != '', concat('s', session_id), concat('u', user_id))"
"""SQL of what events of one session have in common, beside how close they lie in time."""
GapSeconds = Annotated[int, msgspec.Meta(ge=1, le=86400)]


class SessionsRequest(Asked, frozen=True, kw_only=True, rename="camel"):
    """`granularity`: as of series, or `all` for the range as one bucket. `groupBy`: a dimension of
    a session's first event. `filters` say which events make sessions."""

    granularity: Annotated[str, msgspec.Meta(max_length=16)] = "1d"
    group_by: Annotated[str, msgspec.Meta(max_length=128)] = ""
    gap_sec: GapSeconds = 1800
    view: EventName = "page_view"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50


class SessionsRow(msgspec.Struct, array_like=True, frozen=True):
    """One series of the statement; `points` are rows of COLUMNS."""

    label: str
    points: msgspec.Raw
    total: float
    sampled: bool | int


def plan_sessions(request: SessionsRequest, within: Within) -> Plan:
    """The statement; one series more than `limit`, to tell whether it is all. Raises Refused."""
    asked = raw_range(request, within)
    granularity = _granularity(request.granularity, asked)
    covered = granularity.cover(asked)
    gap_ms = request.gap_sec * 1000
    values = Values()
    wider = TimeRange(max(covered.from_ms - gap_ms, 0), covered.to_ms)
    where = [
        *event_conditions(values, wider, org=within.org, app=within.app),
        SOMEBODY,
        *conditions(request.filters, values, column(values)),
    ]
    return Plan(
        values.statement(
            fill(
                "sessions",
                origin=values.integer(granularity.origin_ms),
                step=values.integer(granularity.length_ms),
                gap=values.integer(gap_ms),
                key=SESSION,
                group=dimension(request.group_by, "groupBy") if request.group_by else "''",
                view=values.text(request.view),
                where=" AND ".join(where),
                since=values.integer(covered.from_ms),
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
        "all" if request.granularity == "all" else granularity.text,
    )


def _granularity(text: str, asked: TimeRange) -> Granularity:
    if text == "all":
        return Granularity(asked.length_ms, asked.from_ms)
    return choose_granularity(text, asked, finest_ms=MINUTE_MS, auto_buckets=300, most_buckets=1000)
