"""`GET /v1/metrics`: the names there are, where they come from and when they were last seen."""

from typing import Annotated

import msgspec

from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import EVENTS, METRICS, SPAN_METRIC, SPANS
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, Granularity, parse_range


class NamesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


def plan_names(request: NamesRequest, *, org: str, app: str, now_ms: int) -> Statement:
    """The statement; one row more than `limit`, to tell whether it is all. Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    resolution = Granularity(MINUTE_MS if asked.length_ms <= DAY_MS else HOUR_MS)
    values = Values()
    prefix = values.text(request.prefix)
    common = [
        *scope_conditions(values, org, app),
        *time_conditions(values, resolution.cover(asked)),
    ]
    return values.statement(
        fill(
            "names",
            events=EVENTS.table(resolution),
            metrics=METRICS.table(resolution),
            spans=SPANS.table(resolution),
            where=" AND ".join([*common, f"startsWith(name, {prefix})"]),
            spans_where=" AND ".join(common),
            span_metric=values.text(SPAN_METRIC),
            prefix=prefix,
            limit=values.add(request.limit + 1, "UInt64"),
        )
    )
