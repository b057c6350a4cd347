"""Look-ups of names in rollups: which table and rows are read, and where a metric is stored."""

from typing import Annotated, Final

import msgspec

from api.query.request import QueryScope, ScopedRequest
from api.query.request_fields import MetricField
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import SPAN_METRIC, Source, SourceName
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, Granularity, TimeRange, parse_range

_MINUTES_UP_TO_MS: Final = 6 * HOUR_MS
_HOURS_UP_TO_MS: Final = 60 * DAY_MS


class LookupRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """What is looked up: in which range, and of which metric or source."""

    metric: MetricField = ""
    source: Annotated[SourceName | None, msgspec.Meta(title="Source")] = None
    from_: str = msgspec.field(name="from", default="now-24h")
    to: str = "now"

    @property
    def source_named(self) -> SourceName | None:
        """The source if the request decides it, else None: it depends on what the store holds."""
        if self.source is not None:
            return self.source
        if self.metric == SPAN_METRIC:
            return "spans"
        return None if self.metric else "events"


def lookup_range(request: LookupRequest, scope: QueryScope) -> TimeRange:
    """The range of a look-up. Raises Rejected."""
    return parse_range(request.from_, request.to, now_ms=scope.now_ms)


def _resolution(source: Source, asked: TimeRange) -> Granularity:
    """Whole minutes for short ranges, hours for long ones, days for the longest, if it has them."""
    if asked.length_ms <= _MINUTES_UP_TO_MS:
        return Granularity(MINUTE_MS)
    has_days = source.tables[0][0] == DAY_MS
    return Granularity(DAY_MS if has_days and asked.length_ms > _HOURS_UP_TO_MS else HOUR_MS)


def lookup_rows(
    request: LookupRequest, source: Source, scope: QueryScope, values: Values
) -> tuple[str, list[str]]:
    """Table and conditions of a look-up. Raises Rejected."""
    asked = lookup_range(request, scope)
    resolution = _resolution(source, asked)
    named = request.metric and source.named
    return source.table(resolution), [
        *scope_conditions(values, scope.org, scope.app),
        *([f"name = {values.text(request.metric)}"] if named else []),
        *time_conditions(values, resolution.cover(asked)),
    ]


def plan_metric_source(metric: str, *, org: str, app: str) -> Statement:
    """The statement that finds out whether `metric` is a name of events or of metrics."""
    values = Values()
    where = " AND ".join([*scope_conditions(values, org, app), f"name = {values.text(metric)}"])
    return values.statement(fill("metric_source", where=where))
