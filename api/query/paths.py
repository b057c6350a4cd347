"""`POST /v1/query/paths`: where people go from a page or event, or where they come from.

What is counted, exactly: sessions are cut as `api/query/sessions.py` says (`gapSec` between the
events that matter here: page views for pages, all events for events), within the range alone. Of a
session with `start` in it, the first occurrence counts for `next`, the last one for `previous`; its
path is what follows it, or comes before it (the nearest first), up to `depth` steps. Repeats are
steps of their own. A session weighs what its first event weighs. Events of one time and one clock
are in the order of a hash (SipHash-2-4) of their page or name, then of their weight.
"""

from typing import Annotated, Final, Literal

import msgspec

from api.query.events import (
    SOMEBODY,
    WEIGHT,
    EventName,
    column,
    dimension,
    event_conditions,
    in_order,
)
from api.query.filters import conditions
from api.query.request import Plan, QueryScope, QuestionRequest, raw_range
from api.query.scoping import scope_conditions, time_conditions
from api.query.sessions import SESSION, GapSeconds
from api.query.statement import Values, fill

MAX_DEPTH: Final = 10


class PathsRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """`start` is a page (the dimension, of events named `view`) or an event's name, by `of`."""

    start: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    of: Literal["page", "event"] = "page"
    view: EventName = "page_view"
    direction: Literal["next", "previous"] = "next"
    depth: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEPTH)] = 3
    gap_sec: GapSeconds = 1800
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20


class PathRow(msgspec.Struct, array_like=True, frozen=True):
    """One path, and of how many sessions there are paths at all."""

    steps: list[str]
    sessions: int | float
    total: int | float
    sampled: bool | int


def plan_paths(request: PathsRequest, scope: QueryScope) -> Plan:
    """The statement; one path more than `limit`, to tell whether it is all. Raises Rejected."""
    covered = raw_range(request, scope)
    values = Values()
    where = [
        *event_conditions(values, covered, org=scope.org, app=scope.app),
        SOMEBODY,
        *([f"name = {values.text(request.view)}"] if request.of == "page" else []),
        *conditions(request.filters, values, column(values)),
    ]
    rolled = [*scope_conditions(values, scope.org, scope.app), *time_conditions(values, covered)]
    depth = values.integer(request.depth)
    start = values.text(request.start)
    if request.direction == "next":
        place = f"indexOf(nodes, sipHash64({start}))"
        steps = f"arraySlice(nodes, place + 1, {depth})"
    else:
        place = f"arrayLastIndex(node -> node = sipHash64({start}), nodes)"
        steps = f"arraySlice(arrayReverse(arraySlice(nodes, 1, place - 1)), 1, {depth})"
    return Plan(
        values.statement(
            fill(
                "paths",
                steps=steps,
                place=place,
                start=start,
                gap=values.integer(request.gap_sec * 1000),
                key=SESSION,
                node=dimension("page" if request.of == "page" else "name", "of"),
                event=in_order("time", "ts", "node", WEIGHT),
                where=" AND ".join(where),
                rolled_node="dims['page']" if request.of == "page" else "toString(name)",
                rolled_where=" AND ".join(rolled),
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
    )
