"""`POST /v1/query/retention`: who comes back.

What is counted, exactly: a person's *beginning* is their first `start` event within the range (what
was before it is not looked at); the period (day, or week from Monday, UTC) that holds it is their
cohort. They *return* in the k-th period after that when it holds a `return` event of theirs that is
not earlier than their beginning; so period 0 is everybody when both are one event. People are
counted as they were seen, never weighted.
"""

from typing import Annotated, Literal

import msgspec

from api.query.asked import Asked, Plan, Within, raw_range
from api.query.events import (
    PERSON,
    SOMEBODY,
    EventMatch,
    EventName,
    as_match,
    column,
    event_conditions,
    matching,
)
from api.query.filters import conditions
from api.query.statement import Values, fill
from api.query.timerange import parse_granularity


class RetentionRequest(Asked, frozen=True, kw_only=True, rename="camel"):
    """`start` makes somebody part of a cohort, `return` (as `start`, unless it says otherwise)
    shows that they came back, up to `periods` periods later. `filters` hold for both."""

    start: EventName | EventMatch
    return_: EventName | EventMatch | None = msgspec.field(name="return", default=None)
    period: Literal["day", "week"] = "day"
    periods: Annotated[int, msgspec.Meta(ge=0, le=60)] = 7


class RetentionRow(msgspec.Struct, array_like=True, frozen=True):
    """One cohort, by the start of its period (epoch ms)."""

    start: int
    people: int
    returned: list[int]
    sampled: bool | int


def plan_retention(request: RetentionRequest, within: Within) -> Plan:
    """The statement. The range is widened to whole periods. Raises Refused."""
    period = parse_granularity("1d" if request.period == "day" else "1w")
    covered = raw_range(request, within, period)
    values = Values()
    begins = as_match(request.start)
    returns = begins if request.return_ is None else as_match(request.return_)
    names = ", ".join(values.text(name) for name in sorted({begins.name, returns.name}))
    where = [
        *event_conditions(values, covered, org=within.org, app=within.app),
        f"name IN ({names})",
        SOMEBODY,
        *conditions(request.filters, values, column(values)),
    ]
    return Plan(
        values.statement(
            fill(
                "retention",
                person=PERSON,
                origin=values.integer(period.origin_ms),
                length=values.integer(period.length_ms),
                periods=values.integer(request.periods + 1),
                begins=matching(values, begins, "start"),
                returns=matching(values, returns, "return"),
                where=" AND ".join(where),
            )
        ),
        covered,
        period.text,
    )
