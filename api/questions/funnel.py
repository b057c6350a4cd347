"""`POST /v1/query/funnel`."""

from collections.abc import Sequence

from api.product_answers import FunnelGroup, FunnelStep
from api.query.asked import Plan
from api.query.events import as_match
from api.query.funnel import FunnelRequest, FunnelRow, plan_funnel
from api.questions.planned import Question, Shown


def _show(request: FunnelRequest, _: Plan, rows: Sequence[FunnelRow]) -> Shown:
    shown = rows[: request.limit]
    names = [as_match(step).name for step in request.steps]
    labels = [{request.group_by: row.label} if request.group_by else {} for row in shown]
    funnels = [
        FunnelGroup(label, [_step(name, row, place) for place, name in enumerate(names)])
        for label, row in zip(labels, shown, strict=True)
    ]
    return Shown(
        {"funnels": funnels},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _step(name: str, row: FunnelRow, place: int) -> FunnelStep:
    people, before = row.people[place], row.people[max(place - 1, 0)]
    return FunnelStep(
        name,
        people,
        people / row.people[0],
        people / before if before else None,
        *row.step_ms[place],
        *row.since_first_ms[place],
    )


FUNNEL = Question("funnel", FunnelRequest, plan_funnel, FunnelRow, _show)
