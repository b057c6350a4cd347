"""`POST /v1/query/timeseries`: a request becomes a plan, a plan one statement over a rollup."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from api.query.aggregates import parse_aggregates, refuse_unknown
from api.query.exemplars import exemplars_statement
from api.query.filters import Filter
from api.query.series_sql import Series, series_statement
from api.query.sources import SOURCES, SPAN_METRIC, SPANS, SourceName
from api.query.statement import Statement
from api.query.timerange import (
    HOUR_MS,
    MINUTE_MS,
    Granularity,
    TimeRange,
    choose_granularity,
    parse_range,
)
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

AUTO_BUCKETS: Final = 300
MOST_BUCKETS: Final = 11_000
MOST_POINTS: Final = 500_000
MAX_GROUP_BY: Final = 4


class TimeseriesRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A question for series.

    `source` says where to look for `metric`; without it events are looked at first, then metrics.
    `exemplars` asks for a trace of each bucket (of spans; others have none). `sql` asks for the
    statement in `meta.sql`; `cache: false` asks the store in any case.
    """

    metric: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    from_: str | int | float = msgspec.field(name="from", default="now-1h")
    to: str | int | float = "now"
    granularity: Annotated[str, msgspec.Meta(max_length=16)] = "auto"
    filters: list[Filter] = []
    group_by: Annotated[list[str], msgspec.Meta(max_length=MAX_GROUP_BY)] = []
    agg: list[str] = msgspec.field(default_factory=lambda: ["count"])
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    source: Literal["events", "metrics", "spans"] | None = None
    exemplars: bool = False
    cache: bool = True
    sql: bool = False
    org_id: str = ""
    app_id: str = ""


class TimeseriesRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement: one series."""

    labels: list[str]
    points: msgspec.Raw
    total: float
    sampled: bool | int


@dataclass(frozen=True, slots=True)
class TimeseriesPlan:
    """What will be asked, and what is needed to read the answer."""

    source: SourceName
    granularity: Granularity
    range: TimeRange
    """The whole buckets that the asked range touches."""
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    limit: int
    statement: Statement
    exemplars: Statement | None


def source_named(request: TimeseriesRequest) -> SourceName | None:
    """The source if the request decides it, else None: it depends on what the store holds."""
    return "spans" if request.metric == SPAN_METRIC and not request.source else request.source


def plan_timeseries(
    request: TimeseriesRequest,
    source_name: SourceName,
    *,
    org: str,
    app: str,
    now_ms: int,
    minute_days: int,
) -> TimeseriesPlan:
    """Decide granularity, table and SQL. `app` empty: all apps of the org.

    `minute_days` is how long rollups per minute are kept. Raises Rejected.
    """
    source = SOURCES[source_name]
    if source is SPANS and request.metric != SPAN_METRIC:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"Spans have one metric, {SPAN_METRIC}.",
            field="metric",
        )
    aggregates = parse_aggregates(request.agg)
    refuse_unknown(aggregates, source.columns, source.name)
    _refuse_repeated(request.group_by)
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    kept = asked.from_ms >= now_ms - minute_days * 24 * HOUR_MS
    granularity = choose_granularity(
        request.granularity,
        asked,
        finest_ms=MINUTE_MS if kept else HOUR_MS,
        auto_buckets=AUTO_BUCKETS,
        most_buckets=MOST_BUCKETS,
    )
    if request.group_by and granularity.buckets(asked) * request.limit > MOST_POINTS:
        raise Rejected(
            QuestionReason.TOO_MUCH,
            f"{granularity.buckets(asked)} buckets for up to {request.limit} series is more than "
            f"{MOST_POINTS} points. Lower limit, or use a coarser granularity.",
            field="limit",
        )
    covered = granularity.cover(asked)
    series = Series(
        source=source,
        metric=request.metric,
        aggregates=aggregates,
        granularity=granularity,
        range=covered,
        filters=request.filters,
        group_by=request.group_by,
        limit=request.limit,
        org=org,
        app=app,
    )
    return TimeseriesPlan(
        source=source_name,
        granularity=granularity,
        range=covered,
        columns=("time", *request.agg),
        labels=tuple(request.group_by),
        limit=request.limit,
        statement=series_statement(series),
        exemplars=exemplars_statement(series) if request.exemplars else None,
    )


def _refuse_repeated(group_by: Sequence[str]) -> None:
    if len(set(group_by)) != len(group_by):
        raise Rejected(
            QuestionReason.INVALID_FIELD, "groupBy names a dimension twice.", field="groupBy"
        )
