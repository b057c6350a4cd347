"""`POST /v1/query/sessions`."""

from collections.abc import Sequence

from api.answers import Series
from api.query.request import Plan
from api.query.sessions import COLUMNS, SessionsRequest, SessionsRow, plan_sessions
from api.questions.planned import Question, Shown


def _show(request: SessionsRequest, _: Plan, rows: Sequence[SessionsRow]) -> Shown:
    shown = rows[: request.limit]
    key = request.group_by
    series = [Series({key: row.label} if key else {}, row.points) for row in shown]
    return Shown(
        {"columns": COLUMNS, "series": series},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


SESSIONS = Question("sessions", SessionsRequest, plan_sessions, SessionsRow, _show)
