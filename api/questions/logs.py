"""`POST /v1/query/logs/histogram` and `POST /v1/query/logs/context`."""

from collections.abc import Sequence

import msgspec

from api.answers import LogRecord, Meta, Series, encode
from api.context import Context
from api.query.decode import from_json
from api.query.log_context import ContextRow, LogContextRequest, plan_log_context
from api.query.log_histogram import LEVELS, LevelRow, LogHistogramRequest, plan_log_histogram
from api.query.request import Plan
from api.questions.planned import Question, Shown
from api.scope import Scope, narrow
from api.service_answers import LogContextAnswer


def _show(_: LogHistogramRequest, __: Plan, rows: Sequence[LevelRow]) -> Shown:
    names = ("unknown", *LEVELS)
    series = [Series({"level": names[row.place]}, row.points) for row in rows]
    return Shown(
        {"columns": ("time", "count"), "series": series}, sampled=any(row.sampled for row in rows)
    )


HISTOGRAM = Question("log_histogram", LogHistogramRequest, plan_log_histogram, LevelRow, _show)


async def log_context(context: Context, scope: Scope, body: bytes) -> bytes:
    """Records around a record; never cached. Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, LogContextRequest)
    scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
    statement = plan_log_context(request, org=scope.org, app=scope.app)
    answered = await context.store.ask(statement, ContextRow)
    sides: tuple[list[LogRecord], list[LogRecord]] = ([], [])
    for row in answered.rows:
        sides[row.later].append(LogRecord(*msgspec.structs.astuple(row)[:-1]))
    return encode(
        LogContextAnswer(
            before=sides[0],
            after=sides[1],
            meta=Meta(
                rows_read=answered.rows_read,
                bytes_read=answered.bytes_read,
                sql=statement.sql if request.sql else msgspec.UNSET,
            ),
        )
    )
