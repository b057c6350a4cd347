"""`GET /v1/metrics`: the names that can be asked for as `metric`, the ones seen last first.

Read from rollups: names of events, of metrics, and the duration of spans.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import EVENTS, METRICS, SPAN_METRIC, SPANS
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, Granularity, parse_range
from api.questions.columns import Column, instant, text
from api.questions.question import AnswerPart, Question, StoreQuery


class NamesRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """Names seen between `from` and `to` that begin with `prefix`."""

    prefix: Annotated[str, msgspec.Meta(max_length=255)] = ""
    from_: str = msgspec.field(name="from", default="now-7d")
    to: str = "now"
    limit: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 1000


class NameRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement; `last_ms` is the start of the minute or hour."""

    name: str
    source: str
    unit: str
    type: str
    last_ms: int


class MetricName(msgspec.Struct, frozen=True, rename="camel"):
    """A name to ask for. `last_seen`: epoch ms, to the minute or hour."""

    name: str
    source: str
    unit: str
    type: str
    last_seen: int


class NamesAnswer(msgspec.Struct, frozen=True):
    """Names, the ones seen last first."""

    columns: list[Column]
    metrics: list[MetricName]
    meta: Meta


def plan_names(request: NamesRequest, scope: QueryScope) -> Plan:
    """The statement; one row more than `limit`, to tell whether it is all. Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=scope.now_ms)
    resolution = Granularity(MINUTE_MS if asked.length_ms <= DAY_MS else HOUR_MS)
    values = Values()
    prefix = values.text(request.prefix)
    common = [
        *scope_conditions(values, scope.org, scope.app),
        *time_conditions(values, resolution.cover(asked)),
    ]
    sql = fill(
        "metric_names",
        events=EVENTS.table(resolution),
        metrics=METRICS.table(resolution),
        spans=SPANS.table(resolution),
        where=" AND ".join([*common, f"startsWith(name, {prefix})"]),
        spans_where=" AND ".join(common),
        span_metric=values.text(SPAN_METRIC),
        prefix=prefix,
        limit=values.add(request.limit + 1, "UInt64"),
    )
    return Plan(values.statement(sql), asked)


def _plan(request: NamesRequest, scope: QueryScope) -> list[StoreQuery[NameRow]]:
    def answer_part(rows: Sequence[NameRow]) -> AnswerPart:
        shown = [
            MetricName(row.name, row.source, row.unit, row.type, row.last_ms)
            for row in rows[: request.limit]
        ]
        return AnswerPart({"metrics": shown}, truncated=len(rows) > request.limit)

    return [StoreQuery("metric_names", plan_names(request, scope), NameRow, answer_part)]


QUESTION: Final = Question(
    kind="metric_names",
    title="Metrics",
    summary="Names to ask for.",
    request=NamesRequest,
    answer=NamesAnswer,
    plan=_plan,
    columns=(
        text("metrics", "name", "Name"),
        text("metrics", "source", "Source"),
        text("metrics", "unit", "Unit"),
        text("metrics", "type", "Type"),
        instant("metrics", "lastSeen", "Last seen"),
    ),
    example={},
    method="GET",
    route="/v1/metrics",
)
