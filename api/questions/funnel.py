"""`POST /v1/query/funnel`: how many people do one thing after another.

What is counted, exactly:

- A person is what `identity` says (`api/query/people.py`).
- A person's events are ordered by (time, device's clock, the first step they match). Those equal in
  all of these are ordered by the first further step that only one of them matches: that one comes
  later. So events of one instant count in the order of the steps.
- A *chain* of length k is k different events e1 … ek in that order, each matching its step, with
  time(ek) - time(e1) <= windowSec. Other events may lie between them.
- A person *reaches* step k when there is a chain of length k. Of those chains one counts: the one
  that ends earliest; at each of its steps the one before is the latest that a chain led to, so it
  is the latest begun of those that end there.
- The person is counted under the group of their earliest event that matches step 1 (by time,
  device's clock, group), and so in one group only.
- `medianMs` and `p90Ms` of step k are of time(ek) - time(ek-1), `…FromFirstMs` of
  time(ek) - time(e1), among those who reached k; percentiles are exact, with linear interpolation.
- What is said of step k depends on steps 1 to k alone: a step that is added changes none before it.
- People are counted as they were seen, never weighted: where an app samples whole sessions,
  `meta.sampled` says so, conversions hold and counts are of the sample.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.events import (
    EventMatch,
    EventName,
    as_match,
    column,
    dimension,
    event_conditions,
    matching,
)
from api.query.filters import conditions
from api.query.people import HAS_PERSON, Identity, people_by
from api.query.request import Plan, QueryScope, QuestionRequest, raw_range
from api.query.request_fields import LabelField
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS
from api.questions.columns import Column, count, milliseconds, ratio, text
from api.questions.question import AnswerPart, Question, StoreQuery

MAX_STEPS: Final = 10


class FunnelRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """Steps in their order; `windowSec` from the first step to the last.

    A step is an event's name, or a name with filters. `filters` hold for all steps. `groupBy` is
    a dimension of a person's first event of step 1; `limit` groups, those with most people first.
    """

    steps: Annotated[
        list[EventName | EventMatch],
        msgspec.Meta(min_length=1, max_length=MAX_STEPS, title="Steps"),
    ]
    window_sec: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=31 * DAY_MS // 1000,
            title="Within, s",
            description="Seconds from the first step to the last",
        ),
    ] = 3600
    group_by: LabelField = ""
    identity: Identity = "linked"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100, title="Limit")] = 20


class FunnelRow(msgspec.Struct, array_like=True, frozen=True):
    """One group: people who reached each step, and (median, p90) of both times for each step."""

    label: str
    people: list[int]
    step_ms: list[tuple[float | None, float | None]]
    since_first_ms: list[tuple[float | None, float | None]]
    sampled: bool | int


class FunnelStep(msgspec.Struct, frozen=True, rename="camel"):
    """People who reached a step; conversions are shares (0 to 1), null after an empty step.

    `step`: its number and name. Times are milliseconds from the step before and from the first,
    null at the first step.
    """

    step: str
    name: str
    people: int
    from_first: float | None
    from_previous: float | None
    median_ms: float | None
    p90_ms: float | None
    median_from_first_ms: float | None
    p90_from_first_ms: float | None


class FunnelGroup(msgspec.Struct, frozen=True):
    """One funnel: of everybody, or of one value of groupBy, which is `group`."""

    group: str
    labels: dict[str, str]
    steps: list[FunnelStep]


class FunnelAnswer(msgspec.Struct, frozen=True):
    """Funnels, the one with most people at its first step first."""

    columns: list[Column]
    funnels: list[FunnelGroup]
    meta: Meta


def plan_funnel(request: FunnelRequest, scope: QueryScope) -> Plan:
    """The statement; one group more than `limit`, to tell whether it is all. Raises Rejected."""
    covered = raw_range(request, scope)
    values = Values()
    steps = [as_match(step) for step in request.steps]
    names = ", ".join(values.text(name) for name in sorted({step.name for step in steps}))
    named = [f"name IN ({names})"]
    people = people_by(
        request.identity, values, covered, org=scope.org, app=scope.app, events=named
    )
    where = [
        *event_conditions(values, covered, org=scope.org, app=scope.app),
        *named,
        HAS_PERSON,
        *conditions(request.filters, values, column(values)),
    ]
    matched = [
        f"if({matching(values, step, f'steps[{place}]')}, {1 << _bit(place + 1)}, 0)"
        for place, step in enumerate(steps)
    ]
    window = values.integer(request.window_sec * 1000)
    places = range(1, len(steps) + 1)
    return Plan(
        values.statement(
            fill(
                "funnel",
                people=", ".join(f"countIf(at_{k} > 0)" for k in places),
                step_ms=_times(places, "before"),
                since_first_ms=_times(places, "from"),
                chains=",\n        ".join(part for k in places for part in _chain(k, window)),
                person=people.person,
                join=people.join,
                since=values.integer(covered.from_ms),
                steps=" + ".join(matched),
                group=dimension(request.group_by, "groupBy") if request.group_by else "''",
                where=" AND ".join(where),
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
    )


def _bit(step: int) -> int:
    """The bit of a step among those that an event matches: the first step has the highest."""
    return MAX_STEPS - step


def _chain(step: int, window: str) -> list[str]:
    """SQL of `begun_<step>`, and of the chain of that length that counts."""
    bit = _bit(step)
    if step == 1:
        begun = f"arrayMap((at, matched) -> if(bitTest(matched, {bit}), at, 0), times, matches)"
        return [f"{begun} AS begun_1", "arrayFirst(begun -> begun > 0, begun_1) AS at_1"]
    before = f"begun_{step - 1}"
    begun = (
        f"arrayMap((at, matched, begun) -> if(bitTest(matched, {bit}) AND begun > 0"
        f" AND at - begun <= {window}, begun, 0), times, matches,"
        f" arrayPushFront(arrayPopBack(arrayFill(begun -> begun > 0, {before})), 0))"
    )
    last = f"arrayLastIndex((begun, place) -> begun > 0 AND place < place_{step}, {before}, places)"
    return [
        f"{begun} AS begun_{step}",
        f"arrayFirstIndex(begun -> begun > 0, begun_{step}) AS place_{step}",
        f"times[place_{step}] AS at_{step}",
        f"begun_{step}[place_{step}] AS from_{step}",
        f"times[{last}] AS before_{step}",
    ]


def _times(places: range, since: str) -> str:
    """SQL of (median, p90) of the time since `before` or `from`, for each step."""
    return ", ".join(
        f"quantilesExactInclusiveIf(0.5, 0.9)(at_{k} - {since}_{k}, at_{k} > 0)"
        if k > 1
        else "[nan, nan]"
        for k in places
    )


def _answer_part(request: FunnelRequest, rows: Sequence[FunnelRow]) -> AnswerPart:
    shown = rows[: request.limit]
    names = [as_match(step).name for step in request.steps]
    labels = [{request.group_by: row.label} if request.group_by else {} for row in shown]
    funnels = [
        FunnelGroup(row.label, label, [_step(name, row, place) for place, name in enumerate(names)])
        for label, row in zip(labels, shown, strict=True)
    ]
    return AnswerPart(
        {"funnels": funnels},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _step(name: str, row: FunnelRow, place: int) -> FunnelStep:
    people, before = row.people[place], row.people[max(place - 1, 0)]
    return FunnelStep(
        f"{place + 1}. {name}",
        name,
        people,
        people / row.people[0],
        people / before if before else None,
        *row.step_ms[place],
        *row.since_first_ms[place],
    )


def _plan(request: FunnelRequest, scope: QueryScope) -> list[StoreQuery[FunnelRow]]:
    plan = plan_funnel(request, scope)
    return [StoreQuery("funnel", plan, FunnelRow, lambda rows: _answer_part(request, rows))]


_ROWS: Final = "funnels.steps"
QUESTION: Final = Question(
    kind="funnel",
    title="Funnel",
    summary="How many people do one thing after another.",
    request=FunnelRequest,
    answer=FunnelAnswer,
    plan=_plan,
    columns=(
        text(_ROWS, "step", "Step", label="step"),
        text(_ROWS, "group", "Group", label="group"),
        count(_ROWS, "people", "People", headline=True),
        ratio(_ROWS, "fromFirst", "Of the first"),
        ratio(_ROWS, "fromPrevious", "Of the step before"),
        milliseconds(_ROWS, "medianMs", "Median time"),
        milliseconds(_ROWS, "p90Ms", "p90 time"),
    ),
    example={"steps": ["buy", "exception"], "groupBy": "country"},
)
