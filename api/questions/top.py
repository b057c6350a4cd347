"""`POST /v1/query/top`: which values of a dimension or attribute make up most of a metric.

Dimensions are read from the rollups. An attribute of events that is no dimension, and people under
an `identity`, are read from raw events, for at most as long as they are searched. `__other__` is
what the values that are not shown make together: computed from their rows, not from their numbers,
so it holds for percentiles too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.aggregates import Aggregate, level_literal, parse_aggregates, refuse_unknown
from api.query.buckets import Buckets
from api.query.events import column
from api.query.mixed import reject_mixed
from api.query.people import CountedIdentity, check_identity, narrower
from api.query.raw_events import raw_events
from api.query.request import MINUTES, Plan, QueryScope, QuestionRequest, raw_range
from api.query.request_fields import AggregateField, LabelField, MetricField
from api.query.series_sql import SeriesPlan, increases, series_conditions
from api.query.sources import EVENTS, SOURCES, SPAN_METRIC, SPANS, Source, SourceName
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, Granularity, TimeRange, parse_range
from api.questions.columns import Column, ratio, text
from api.questions.question import AnswerPart, Metric, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

OTHER: Final = "__other__"
ADDITIVE: Final = frozenset({"count", "sum", "rate"})
"""Aggregates whose values over all groups make the total."""


class TopRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """The values of `by` that are largest by `agg` of `metric`.

    `metric`: a name, or `traces.span.duration`. `source` and `identity` as for series.
    """

    metric: Annotated[MetricField, msgspec.Meta(min_length=1)]
    by: Annotated[LabelField, msgspec.Meta(min_length=1, title="By")]
    agg: Annotated[AggregateField, msgspec.Meta(max_length=16, title="Largest by")] = "count"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, title="Limit")] = 10
    source: Annotated[SourceName | None, msgspec.Meta(title="Source")] = None
    identity: CountedIdentity = None


class TopValue(msgspec.Struct, frozen=True):
    """A value of the dimension, its number, and its share of the total (counts and sums only).

    `__other__` is all that is not shown, and comes last.
    """

    label: str
    value: int | float | None
    share: float | None


class TopAnswer(msgspec.Struct, frozen=True):
    """Values of the dimension, the largest first."""

    columns: list[Column]
    total: int | float | None
    values: list[TopValue]
    meta: Meta


class TopRow(msgspec.Struct, array_like=True, frozen=True):
    """One value; the row with `is_total` is everything together. `groups`: how many values.
    `kinds`: of metrics, the (kind, unit) of the points behind the row."""

    label: str
    value: int | float | None
    is_total: int
    groups: int
    sampled: bool | int
    kinds: list[tuple[str, str]] = []


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is counted: SQL of the key, of the rows, their condition and the aggregate."""

    key: str
    rows: str
    where: Sequence[str]
    value: str
    sampled: str
    kinds: str = ""


def source_named(request: TopRequest) -> SourceName | None:
    """The source if the request decides it, else None: it depends on what the store holds."""
    return "spans" if request.metric == SPAN_METRIC and not request.source else request.source


def plan_top(request: TopRequest, scope: QueryScope) -> Plan:
    """The statement: the total and the largest values, the rest as one. Raises Rejected."""
    source = SOURCES[scope.source or "events"]
    if source is SPANS and request.metric != SPAN_METRIC:
        raise Rejected(
            QuestionReason.INVALID_FIELD, f"Spans have one metric, {SPAN_METRIC}.", field="metric"
        )
    aggregate = _aggregate(request.agg, source)
    values = Values()
    dimensions = (*EVENTS.plain_dimensions, *(EVENTS.mapped_dimensions or ()))
    raw = source is EVENTS and (request.identity is not None or request.by not in dimensions)
    covered = (
        raw_range(request, scope, narrower=narrower(request.identity))
        if raw
        else _covered(request, scope, source)
    )
    made = (
        _raw(request, scope, values, covered, aggregate)
        if raw
        else _rolled_up(request, scope, values, covered, aggregate, source)
    )
    return Plan(
        values.statement(
            fill(
                "top",
                key=made.key,
                other=values.text(OTHER),
                value=made.value,
                sampled=made.sampled,
                kinds=", kinds" if made.kinds else "",
                found_kinds=f",\n        {made.kinds} AS kinds" if made.kinds else "",
                rows=made.rows,
                where=" AND ".join(made.where),
                limit=values.add(request.limit, "UInt64"),
            )
        ),
        covered,
    )


def _aggregate(name: str, source: Source) -> Aggregate:
    try:
        (aggregate,) = parse_aggregates([name])
        refuse_unknown([aggregate], source.columns, source.name)
    except Rejected as failure:
        raise Rejected(failure.reason, failure.message, field="agg") from None
    return aggregate


def _covered(request: TopRequest, scope: QueryScope, source: Source) -> TimeRange:
    """Whole minutes of short ranges, hours of long ones, days of the longest, if there are any."""
    asked = parse_range(request.from_, request.to, now_ms=scope.now_ms)
    kept = asked.from_ms >= scope.now_ms - scope.minute_days * DAY_MS
    if asked.length_ms <= 6 * HOUR_MS and kept:
        return MINUTES.cover(asked)
    days = source.tables[0][0] == DAY_MS and asked.length_ms > 60 * DAY_MS
    return Granularity(DAY_MS if days else HOUR_MS).cover(asked)


def _sql(
    columns: Mapping[str, str], aggregate: Aggregate, covered: TimeRange, scope: QueryScope
) -> str:
    """A rate is over the part of the range that has passed, in whole seconds."""
    passed_ms = max(min(covered.to_ms, scope.now_ms) - covered.from_ms, 1000)
    sql = columns[aggregate.kind].replace("{seconds}", str(passed_ms // 1000))
    if aggregate.kind == "percentile":
        return f"({sql.replace('{levels}', level_literal(aggregate.level))})[1]"
    return sql


def _raw(
    request: TopRequest, scope: QueryScope, values: Values, covered: TimeRange, aggregate: Aggregate
) -> _Rows:
    events = raw_events(
        values,
        covered,
        org=scope.org,
        app=scope.app,
        name=request.metric,
        filters=request.filters,
        identity=request.identity,
    )
    return _Rows(
        key=column(values)(request.by, "by"),
        rows=events.rows,
        where=events.where,
        value=_sql(events.source.columns, aggregate, covered, scope),
        sampled=events.source.sampled,
    )


def _rolled_up(
    request: TopRequest,
    scope: QueryScope,
    values: Values,
    covered: TimeRange,
    aggregate: Aggregate,
    source: Source,
) -> _Rows:
    buckets = Buckets("", covered, covered.length_ms, covered.from_ms % covered.length_ms)
    asked = SeriesPlan(
        source=source,
        metric=request.metric,
        aggregates=[aggregate],
        buckets=buckets,
        filters=request.filters,
        group_by=[request.by],
        limit=request.limit,
        org=scope.org,
        app=scope.app,
        now_ms=scope.now_ms,
    )
    key = source.dimension(request.by, values, "by")
    table = source.table(buckets)
    if source.increases:
        rows, condition = increases(asked, values, table)
        where = [condition]
    else:
        rows, where = table, series_conditions(asked, values, covered)
    return _Rows(
        key=f"toString({key})",
        rows=rows,
        where=where,
        value=_sql(source.columns, aggregate, covered, scope),
        sampled=source.sampled,
        kinds=source.kinds,
    )


def _answer_part(request: TopRequest, rows: Sequence[TopRow]) -> AnswerPart:
    totals, shown = rows[:1], rows[1:]
    reject_mixed(request.metric, (row.kinds for row in shown))
    total = totals[0].value if shown and len(totals[0].kinds) < 2 else None
    shares = request.agg in ADDITIVE and bool(total)
    values = [
        TopValue(
            row.label,
            row.value,
            row.value / total if shares and row.value is not None and total else None,
        )
        for row in shown
    ]
    return AnswerPart(
        {"columns": columns_by(request.by), "total": total, "values": values},
        truncated=bool(shown) and totals[0].groups > request.limit,
        sampled=any(row.sampled for row in rows),
    )


def _plan(request: TopRequest, scope: QueryScope) -> list[StoreQuery[TopRow]]:
    check_identity(request.identity, [request.agg], scope.source or "events")
    empty = scope.source is None
    if empty:  # the name has not arrived yet
        parse_aggregates([request.agg])
        plan = Plan(Statement("", {}), _covered(request, scope, EVENTS))
    else:
        plan = plan_top(request, scope)
    return [StoreQuery("top", plan, TopRow, lambda rows: _answer_part(request, rows), empty=empty)]


_ROWS: Final = "values"


def columns_by(dimension: str) -> tuple[Column, ...]:
    """The columns; a value is the label of the name of its dimension."""
    return (
        text(_ROWS, "label", "Value", label=dimension),
        Column(_ROWS, "value", "Count", "number", "", "", True),
        ratio(_ROWS, "share", "Share"),
    )


QUESTION: Final = Question(
    kind="top",
    title="Top values",
    summary="The largest values of a dimension or attribute.",
    request=TopRequest,
    answer=TopAnswer,
    plan=_plan,
    columns=columns_by("label"),
    example={"metric": "page_view", "by": "page"},
    metric=lambda request: Metric(request.metric, source_named(request)),
)
