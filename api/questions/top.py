"""`POST /v1/query/top`."""

from collections.abc import Sequence
from dataclasses import replace

from api.context import Context
from api.product_answers import TopValue
from api.query.decode import from_json
from api.query.request import Plan
from api.query.top import ADDITIVE, TopRequest, TopRow, plan_top
from api.questions.planned import Question, Shown
from api.scope import Scope, narrow


def _show(request: TopRequest, _: Plan, rows: Sequence[TopRow]) -> Shown:
    totals, shown = rows[:1], rows[1:]
    total = totals[0].value if shown else None
    shares = request.agg in ADDITIVE and bool(total)
    values = [
        TopValue(
            row.label,
            row.value,
            row.value / total if shares and row.value is not None and total else None,
        )
        for row in shown
    ]
    return Shown(
        {"total": total, "values": values},
        truncated=bool(shown) and totals[0].groups > request.limit,
        sampled=any(row.sampled for row in rows),
    )


TOP = Question(
    "top", TopRequest, lambda request, within: plan_top(request, within, "events"), TopRow, _show
)


async def top(context: Context, scope: Scope, body: bytes) -> bytes:
    """The answer (JSON) to a request (JSON). Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, TopRequest)
    scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
    source = await context.source(scope, request.source, request.metric)
    question = replace(TOP, plan=lambda asked, within: plan_top(asked, within, source))
    return await question.answer(context, scope, request)
