"""`POST /v1/query/paths`."""

from collections.abc import Sequence

from api.product_answers import PathFound
from api.query.paths import PathRow, PathsRequest, plan_paths
from api.query.request import Plan
from api.questions.planned import Question, Shown


def _show(request: PathsRequest, _: Plan, rows: Sequence[PathRow]) -> Shown:
    paths = [
        PathFound(row.steps, row.sessions, row.sessions / row.total)
        for row in rows[: request.limit]
    ]
    return Shown(
        {"sessions": rows[0].total if rows else 0, "paths": paths},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in rows),
    )


PATHS = Question("paths", PathsRequest, plan_paths, PathRow, _show)
