"""`POST /v1/query/logs/histogram`: how many log records there are, by level and time."""

from collections.abc import Sequence
from typing import Final

import msgspec

from api.answers import Meta, Series
from api.query.calendar_request import CalendarRequest, raw_buckets
from api.query.log_records import log_conditions
from api.query.request import Instant, Plan, QueryScope
from api.query.request_fields import (
    BodyField,
    GranularityField,
    ServiceField,
    SeverityField,
    TraceField,
)
from api.query.statement import Values, fill
from api.questions.columns import count
from api.questions.question import AnswerPart, Question, StoreQuery

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""Each is four severity numbers, from 1.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_NAMES: Final = ("unknown", *LEVELS)


class LogHistogramRequest(CalendarRequest, frozen=True, kw_only=True, rename="camel"):
    """A search as of `POST /v1/query/logs`, counted by level and buckets of time."""

    from_: Instant = msgspec.field(name="from", default="now-1h")
    granularity: GranularityField = "auto"
    service: ServiceField = ""
    severity: SeverityField = 0
    contains: BodyField = ""
    trace_id: TraceField = ""


class LevelRow(msgspec.Struct, array_like=True, frozen=True):
    """One level; `place` in LEVELS from 1, 0 for records without a severity."""

    place: int
    points: msgspec.Raw
    sampled: bool | int


class LogHistogramAnswer(msgspec.Struct, frozen=True):
    """A series for each level, the most severe first. `columns` are those of a row."""

    columns: list[str]
    series: list[Series]
    meta: Meta


def plan_log_histogram(request: LogHistogramRequest, scope: QueryScope) -> Plan:
    """The statement; whole buckets. Raises Rejected."""
    buckets = raw_buckets(request, scope, request.granularity, auto_buckets=120, most_buckets=1000)
    values = Values()
    where = log_conditions(request, values, buckets.range, scope.org, scope.app)
    return Plan(
        values.statement(
            fill(
                "log_histogram",
                bucket=buckets.start_sql(values, "intDiv(toUnixTimestamp64Nano(time), 1000000000)"),
                where=" AND ".join(where),
            )
        ),
        buckets.range,
        buckets.text,
        buckets.running_at(scope.now_ms),
    )


def _answer_part(rows: Sequence[LevelRow]) -> AnswerPart:
    series = [Series({"level": _NAMES[row.place]}, row.points) for row in rows]
    fields = {"columns": ["time", "count"], "series": series}
    return AnswerPart(fields, sampled=any(row.sampled for row in rows))


def _plan(request: LogHistogramRequest, scope: QueryScope) -> list[StoreQuery[LevelRow]]:
    plan = plan_log_histogram(request, scope)
    return [StoreQuery("log_histogram", plan, LevelRow, _answer_part)]


QUESTION: Final = Question(
    kind="log_histogram",
    title="Log histogram",
    summary="Log records by level and time.",
    request=LogHistogramRequest,
    answer=LogHistogramAnswer,
    plan=_plan,
    columns=(count("series", "rows", "Records", headline=True),),
    example={},
    shape="series",
    route="/v1/query/logs/histogram",
)
