"""`POST /v1/query/retention`."""

from collections.abc import Sequence

from api.product_answers import Cohort
from api.query.asked import Plan
from api.query.retention import RetentionRequest, RetentionRow, plan_retention
from api.query.timerange import parse_granularity
from api.questions.planned import Question, Shown


def _show(request: RetentionRequest, plan: Plan, rows: Sequence[RetentionRow]) -> Shown:
    length_ms = parse_granularity(plan.granularity).length_ms
    cohorts = []
    for row in rows:
        begun = (plan.range.to_ms - row.start) // length_ms
        cohorts.append(Cohort(row.start, row.people, row.returned[:begun]))
    return Shown(
        {"period": request.period, "cohorts": cohorts}, sampled=any(row.sampled for row in rows)
    )


RETENTION = Question("retention", RetentionRequest, plan_retention, RetentionRow, _show)
