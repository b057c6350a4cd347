"""`POST /v1/query/timeseries`: series of a metric, by buckets of time and by dimensions.

What is counted, exactly: rows of the rollups of events, metrics or spans whose time lies in whole
buckets of the answer; the range is widened to their bounds. A bucket without rows is left out. The
bucket that had not ended is named in `meta.partial`; its `rate` is over the time that has passed.
A name that has not arrived yet has no series.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from api.answers import Exemplar, Series, TimeseriesAnswer
from api.query.aggregates import parse_aggregates, refuse_unknown
from api.query.buckets import Buckets, choose_buckets
from api.query.calendar import calendar_of
from api.query.exemplars import MAX_EXEMPLARS, ExemplarRow, exemplars_statement
from api.query.mixed import reject_mixed
from api.query.people import CountedIdentity, check_identity, narrower
from api.query.request import Instant, Plan, QueryScope, QuestionRequest
from api.query.request_fields import (
    AggregateField,
    GranularityField,
    MetricField,
    WeekStartField,
    ZoneField,
)
from api.query.series_sql import SeriesPlan, series_statement
from api.query.sources import SOURCES, SPAN_METRIC, SPANS, SourceName
from api.query.statement import Statement
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, parse_range
from api.questions.columns import Column, instant
from api.questions.question import AnswerPart, Metric, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

AUTO_BUCKETS: Final = 300
MOST_BUCKETS: Final = 11_000
MOST_POINTS: Final = 500_000
MAX_GROUP_BY: Final = 4


class TimeseriesRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """A question for series.

    `source` says where `metric` is stored; without it events are looked at first, then metrics.
    `granularity`: `auto`, `minute`, `hour`, `day`, `week`, `month`, or a number with m, h, d, w or
    mo. Buckets are those of the time zone `tz` (IANA), weeks begin on `weekStart`; an ISO 8601 time
    without an offset is of that zone. `exemplars` asks for a trace of each bucket of spans.
    `identity` says whom an event counts for in `uniq_users`, which is read from raw events then;
    without it, `uniq_users` counts the users that events name.
    """

    metric: Annotated[MetricField, msgspec.Meta(min_length=1)]
    from_: Instant = msgspec.field(name="from", default="now-1h")
    agg: Annotated[list[AggregateField], msgspec.Meta(title="Show")] = msgspec.field(
        default_factory=lambda: ["count"]
    )
    group_by: Annotated[
        list[str],
        msgspec.Meta(max_length=MAX_GROUP_BY, title="Group by", extra={"completes": "label"}),
    ] = msgspec.field(default_factory=list)
    granularity: GranularityField = "auto"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, title="Limit")] = 50
    source: Annotated[SourceName | None, msgspec.Meta(title="Source")] = None
    tz: ZoneField = "UTC"
    week_start: WeekStartField = "monday"
    identity: CountedIdentity = None
    exemplars: Annotated[
        bool, msgspec.Meta(title="Exemplars", description="A trace for each bucket of spans")
    ] = False


class TimeseriesRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement: one series. `kinds`: of metrics, the (kind, unit) of its points."""

    labels: list[str]
    points: msgspec.Raw
    total: float
    sampled: bool | int
    kinds: list[tuple[str, str]] = []


def source_named(request: TimeseriesRequest) -> SourceName | None:
    """The source if the request decides it, else None: it depends on what the store holds."""
    return "spans" if request.metric == SPAN_METRIC and not request.source else request.source


def plan_buckets(request: TimeseriesRequest, scope: QueryScope) -> Buckets:
    """The buckets of an answer. Raises Rejected."""
    calendar = calendar_of(request.tz, request.week_start)
    asked = parse_range(
        request.from_,
        request.to,
        now_ms=scope.now_ms,
        longest_ms=scope.search_days * DAY_MS if request.identity else 0,
        narrower=narrower(request.identity),
        zone=ZoneInfo(calendar.zone),
    )
    minutes_kept = asked.from_ms >= scope.now_ms - scope.minute_days * DAY_MS
    buckets = choose_buckets(
        request.granularity,
        asked,
        calendar=calendar,
        finest_ms=MINUTE_MS if minutes_kept else HOUR_MS,
        auto_buckets=AUTO_BUCKETS,
        most_buckets=MOST_BUCKETS,
    )
    if request.group_by and buckets.count * request.limit > MOST_POINTS:
        raise Rejected(
            QuestionReason.TOO_MUCH,
            f"{buckets.count} buckets for up to {request.limit} series is more than "
            f"{MOST_POINTS} points. Lower limit, or use a coarser granularity.",
            field="limit",
        )
    return buckets


def plan_series(request: TimeseriesRequest, scope: QueryScope, buckets: Buckets) -> SeriesPlan:
    """What is asked of the rollups of `scope.source` (None: events). Raises Rejected."""
    source = SOURCES[scope.source or "events"]
    if source is SPANS and request.metric != SPAN_METRIC:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"Spans have one metric, {SPAN_METRIC}.",
            field="metric",
        )
    aggregates = parse_aggregates(request.agg)
    refuse_unknown(aggregates, source.columns, source.name)
    if len(set(request.group_by)) != len(request.group_by):
        raise Rejected(
            QuestionReason.INVALID_FIELD, "groupBy names a dimension twice.", field="groupBy"
        )
    return SeriesPlan(
        source=source,
        metric=request.metric,
        aggregates=aggregates,
        buckets=buckets,
        filters=request.filters,
        group_by=request.group_by,
        limit=request.limit,
        org=scope.org,
        app=scope.app,
        now_ms=scope.now_ms,
        identity=request.identity,
    )


def plan_timeseries(request: TimeseriesRequest, scope: QueryScope) -> list[StoreQuery[Any]]:
    """The statement of the series, and that of their exemplars. Raises Rejected."""
    buckets = plan_buckets(request, scope)
    running_ms = buckets.running_at(scope.now_ms)
    check_identity(request.identity, request.agg, scope.source or "events")
    if scope.source is None:
        parse_aggregates(request.agg)
        nothing = Plan(Statement("", {}), buckets.range, buckets.text, running_ms)
        return [_series_query(request, nothing, empty=True)]
    series = plan_series(request, scope, buckets)
    plan = Plan(series_statement(series), buckets.range, buckets.text, running_ms)
    queries: list[StoreQuery[Any]] = [_series_query(request, plan)]
    exemplars = exemplars_statement(series) if request.exemplars else None
    if exemplars is not None:
        queries.append(_exemplars_query(request, Plan(exemplars, buckets.range, buckets.text)))
    return queries


def _series_query(
    request: TimeseriesRequest, plan: Plan, *, empty: bool = False
) -> StoreQuery[TimeseriesRow]:
    def answer_part(rows: Sequence[TimeseriesRow]) -> AnswerPart:
        reject_mixed(request.metric, (row.kinds for row in rows))
        shown = rows[: request.limit]
        return AnswerPart(
            {
                "columns": ["time", *request.agg],
                "series": [Series(_labels(request, row.labels), row.points) for row in shown],
            },
            truncated=len(rows) > request.limit,
            sampled=any(row.sampled for row in shown),
        )

    return StoreQuery("timeseries", plan, TimeseriesRow, answer_part, empty=empty)


def _exemplars_query(request: TimeseriesRequest, plan: Plan) -> StoreQuery[ExemplarRow]:
    def answer_part(rows: Sequence[ExemplarRow]) -> AnswerPart:
        found = [
            Exemplar(_labels(request, row.labels), row.time, row.trace_id, row.value)
            for row in rows
        ]
        return AnswerPart({"exemplars": found}, truncated=len(rows) >= MAX_EXEMPLARS)

    return StoreQuery("exemplars", plan, ExemplarRow, answer_part)


def _labels(request: TimeseriesRequest, values: Sequence[str]) -> dict[str, str]:
    return dict(zip(request.group_by, values, strict=True))


def _finish(request: TimeseriesRequest, fields: dict[str, msgspec.Raw]) -> Mapping[str, object]:
    """Exemplars are those of the series that are shown."""
    if not request.exemplars:
        return fields
    series = msgspec.json.decode(fields["series"], type=list[Series])
    shown = {tuple(one.labels.values()) for one in series}
    found = msgspec.json.decode(fields.get("exemplars", b"[]"), type=list[Exemplar])
    kept = [exemplar for exemplar in found if tuple(exemplar.labels.values()) in shown]
    return {**fields, "exemplars": kept}


_ROWS: Final = "series.rows"
QUESTION: Final = Question(
    kind="timeseries",
    title="Series",
    summary="Series of a metric, by buckets of time and by dimensions.",
    request=TimeseriesRequest,
    answer=TimeseriesAnswer,
    plan=plan_timeseries,
    columns=(instant(_ROWS, "0", "Time"), Column(_ROWS, "1", "Value", "number", "")),
    example={"metric": "page_view"},
    shape="series",
    metric=lambda request: Metric(request.metric, source_named(request)),
    finish=_finish,
)
