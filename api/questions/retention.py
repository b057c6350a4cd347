"""`POST /v1/query/retention`: who comes back.

What is counted, exactly: a person is what `identity` says (`api/query/people.py`). Their
*beginning* is their first `start` event within the range (what was before it is not looked at); the
period (day or week of the calendar) that holds it is their cohort. They *return* in the k-th
period after that when it holds a `return` event of theirs that is not earlier than their beginning;
so period 0 is everybody when both are one event. People are counted as they were seen, never
weighted.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from api.answers import Meta
from api.query.buckets import Buckets
from api.query.calendar_request import CalendarRequest, raw_buckets
from api.query.events import (
    EventMatch,
    EventName,
    as_match,
    column,
    event_conditions,
    matching,
)
from api.query.filters import conditions
from api.query.people import HAS_PERSON, Identity, grouped_people_by
from api.query.request import Plan, QueryScope
from api.query.statement import Values, fill
from api.questions.columns import Column, count, instant, ratio
from api.questions.question import AnswerPart, Question, StoreQuery

_MOST_PERIODS: Final = 1_000


class RetentionRequest(CalendarRequest, frozen=True, kw_only=True, rename="camel"):
    """`start` makes somebody part of a cohort, `return` (as `start`, unless it says otherwise)
    shows that they came back, up to `periods` periods later. `filters` hold for both."""

    start: Annotated[
        EventName | EventMatch,
        msgspec.Meta(title="Begin with", extra={"completes": "metric"}),
    ]
    return_: Annotated[
        EventName | EventMatch | None,
        msgspec.Meta(title="Come back with", extra={"completes": "metric"}),
    ] = msgspec.field(name="return", default=None)
    period: Annotated[Literal["day", "week"], msgspec.Meta(title="Period")] = "day"
    periods: Annotated[int, msgspec.Meta(ge=0, le=60, title="Periods")] = 7
    identity: Identity = "linked"


class RetentionRow(msgspec.Struct, array_like=True, frozen=True):
    """One cohort, by the start of its period (epoch ms)."""

    start: int
    people: int
    returned: list[int]
    sampled: bool | int


class Cohort(msgspec.Struct, frozen=True):
    """People whose first start event lies in the period that begins at `start` (epoch ms).

    `returned[k]`: how many of them came back in the k-th period after it, `shares[k]` which part of
    them (0 to 1); periods that begin after the range are left out.
    """

    start: int
    people: int
    returned: list[int]
    shares: list[float]


class RetentionAnswer(msgspec.Struct, frozen=True):
    """Cohorts in order of time; empty ones are left out."""

    columns: list[Column]
    period: str
    cohorts: list[Cohort]
    meta: Meta


def plan_periods(request: RetentionRequest, scope: QueryScope) -> Buckets:
    """The whole periods that touch the range. Raises Rejected."""
    return raw_buckets(
        request, scope, request.period, auto_buckets=_MOST_PERIODS, most_buckets=_MOST_PERIODS
    )


def plan_retention(request: RetentionRequest, scope: QueryScope, periods: Buckets) -> Plan:
    """The statement. Raises Rejected."""
    covered = periods.range
    values = Values()
    begins = as_match(request.start)
    returns = begins if request.return_ is None else as_match(request.return_)
    names = ", ".join(values.text(name) for name in sorted({begins.name, returns.name}))
    named = [f"name IN ({names})"]
    people = grouped_people_by(
        request.identity, values, covered, org=scope.org, app=scope.app, events=named
    )
    where = [
        *event_conditions(values, covered, org=scope.org, app=scope.app),
        *named,
        HAS_PERSON,
        *conditions(request.filters, values, column(values)),
    ]
    return Plan(
        values.statement(
            fill(
                "retention",
                hashed=people.hashed,
                join=people.join,
                person=people.person,
                period=periods.start_sql(values),
                cohort=periods.start_sql(values, "intDiv(began, 1000)"),
                starts=values.add(f"[{','.join(map(str, periods.starts_ms))}]", "Array(Int64)"),
                periods=values.integer(request.periods + 1),
                begins=matching(values, begins, "start"),
                returns=matching(values, returns, "return"),
                where=" AND ".join(where),
            )
        ),
        covered,
        periods.text,
        periods.running_at(scope.now_ms),
    )


def _answer_part(
    request: RetentionRequest, periods: Buckets, rows: Sequence[RetentionRow]
) -> AnswerPart:
    starts = periods.starts_ms
    cohorts = []
    for row in rows:
        returned = row.returned[: len(starts) - starts.index(row.start)]
        cohorts.append(
            Cohort(row.start, row.people, returned, [people / row.people for people in returned])
        )
    most = max((len(cohort.returned) for cohort in cohorts), default=0)
    shares = [ratio(_ROWS, f"shares.{k}", f"{request.period} {k}") for k in range(most)]
    fields = {"columns": [*_COLUMNS, *shares], "period": request.period, "cohorts": cohorts}
    return AnswerPart(fields, sampled=any(row.sampled for row in rows))


def _plan(request: RetentionRequest, scope: QueryScope) -> list[StoreQuery[RetentionRow]]:
    periods = plan_periods(request, scope)
    plan = plan_retention(request, scope, periods)
    return [
        StoreQuery(
            "retention", plan, RetentionRow, lambda rows: _answer_part(request, periods, rows)
        )
    ]


_ROWS: Final = "cohorts"
_COLUMNS: Final = (instant(_ROWS, "start", "Cohort"), count(_ROWS, "people", "People"))
QUESTION: Final = Question(
    kind="retention",
    title="Retention",
    summary="Who comes back.",
    request=RetentionRequest,
    answer=RetentionAnswer,
    plan=_plan,
    columns=_COLUMNS,
    example={"start": "page_view"},
)
