"""`POST /v1/query/paths`: where people go from a page or event, or where they come from.

What is counted, exactly: the events of one person, as `identity` says (`api/query/people.py`), are
cut into sessions as in `sessions.py`, within the range alone: `gapSec` between the events that
matter here, which are page views for pages and all events for events. Of a session with `start` in
it, the first occurrence counts for `next`, the last one for `previous`; its path is what follows
it, or comes before it (the nearest first), up to `depth` steps. Repeats are steps of their own. A
session weighs what its first event weighs. Events of one time and one clock are in the order of a
hash (SipHash-2-4) of their page or name, then of their weight.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from api.answers import Meta
from api.query.events import (
    WEIGHT,
    EventName,
    column,
    dimension,
    event_conditions,
    in_order,
)
from api.query.filters import conditions
from api.query.people import HAS_PERSON, Identity, people_by
from api.query.request import Plan, QueryScope, QuestionRequest, raw_range
from api.query.scoping import scope_conditions, time_conditions
from api.query.statement import Values, fill
from api.questions.columns import Column, count, ratio, text
from api.questions.question import AnswerPart, Question, StoreQuery
from api.questions.sessions import GapSeconds

MAX_DEPTH: Final = 10
NO_STEPS: Final = "(nothing further)"
"""The path of a session that ended, or began, at the start."""


class PathsRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """`start` is a page (the dimension, of events named `view`) or an event's name, by `of`."""

    start: Annotated[str, msgspec.Meta(min_length=1, max_length=1024, title="Start")]
    of: Annotated[Literal["page", "event"], msgspec.Meta(title="Of")] = "page"
    view: Annotated[EventName, msgspec.Meta(title="View", extra={"completes": "metric"})] = (
        "page_view"
    )
    direction: Annotated[Literal["next", "previous"], msgspec.Meta(title="Direction")] = "next"
    depth: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEPTH, title="Depth")] = 3
    gap_sec: GapSeconds = 1800
    identity: Identity = "session"
    limit: Annotated[int, msgspec.Meta(ge=1, le=200, title="Limit")] = 20


class PathRow(msgspec.Struct, array_like=True, frozen=True):
    """One path, and of how many sessions there are paths at all."""

    steps: list[str]
    sessions: int | float
    total: int | float
    sampled: bool | int


class PathFound(msgspec.Struct, frozen=True):
    """What came next (or before, nearest first), and in how many sessions.

    `path`: the same as one text. A path shorter than `depth` is of sessions that ended (or began)
    there.
    """

    path: str
    steps: list[str]
    sessions: int | float
    share: float


class PathsAnswer(msgspec.Struct, frozen=True):
    """Paths, the most frequent first, of all `sessions` in which the start occurred."""

    columns: list[Column]
    sessions: int | float
    paths: list[PathFound]
    meta: Meta


def plan_paths(request: PathsRequest, scope: QueryScope) -> Plan:
    """The statement; one path more than `limit`, to tell whether it is all. Raises Rejected."""
    covered = raw_range(request, scope)
    values = Values()
    named = [f"name = {values.text(request.view)}"] if request.of == "page" else []
    people = people_by(
        request.identity, values, covered, org=scope.org, app=scope.app, events=named
    )
    where = [
        *event_conditions(values, covered, org=scope.org, app=scope.app),
        HAS_PERSON,
        *named,
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
                person=people.person,
                join=people.join,
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


def _answer_part(request: PathsRequest, rows: Sequence[PathRow]) -> AnswerPart:
    paths = [
        PathFound(
            ", ".join(row.steps) or NO_STEPS, row.steps, row.sessions, row.sessions / row.total
        )
        for row in rows[: request.limit]
    ]
    return AnswerPart(
        {"sessions": rows[0].total if rows else 0, "paths": paths},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in rows),
    )


def _plan(request: PathsRequest, scope: QueryScope) -> list[StoreQuery[PathRow]]:
    plan = plan_paths(request, scope)
    return [StoreQuery("paths", plan, PathRow, lambda rows: _answer_part(request, rows))]


QUESTION: Final = Question(
    kind="paths",
    title="Paths",
    summary="What people do next, or did before.",
    request=PathsRequest,
    answer=PathsAnswer,
    plan=_plan,
    columns=(
        text("paths", "path", "Steps", label="path"),
        count("paths", "sessions", "Sessions", headline=True),
        ratio("paths", "share", "Share"),
    ),
    example={"start": "page_view", "of": "event", "limit": 200},
)
