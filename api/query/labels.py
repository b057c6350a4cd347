"""`GET /v1/labels` and `/v1/labels/{name}/values`: what an editor can offer, from rollups."""

from typing import Annotated, Final, Literal

import msgspec

from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import SOURCES, Source, SourceName
from api.query.statement import Statement, Values, fill
from api.query.timerange import DAY_MS, HOUR_MS, Granularity, TimeRange, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_LABELS: Final = 200
_MINUTES_UP_TO_MS: Final = 6 * HOUR_MS
_HOURS_UP_TO_MS: Final = 60 * DAY_MS


class LabelsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dimensions there are; `metric` narrows them to those of one metric."""

    metric: Annotated[str, msgspec.Meta(max_length=255)] = ""
    source: Literal["events", "metrics", "spans"] | None = None
    from_: str = msgspec.field(name="from", default="now-24h")
    to: str = "now"


class LabelValuesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which values one dimension has, the ones that count most first."""

    metric: Annotated[str, msgspec.Meta(max_length=255)] = ""
    source: Literal["events", "metrics", "spans"] | None = None
    from_: str = msgspec.field(name="from", default="now-24h")
    to: str = "now"
    prefix: Annotated[str, msgspec.Meta(max_length=255)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


def _resolution(source: Source, asked: TimeRange) -> Granularity:
    """Whole minutes for short ranges, hours for long ones, days for the longest, if it has them."""
    if asked.length_ms <= _MINUTES_UP_TO_MS:
        return Granularity(60_000)
    has_days = source.tables[0][0] == DAY_MS
    return Granularity(DAY_MS if has_days and asked.length_ms > _HOURS_UP_TO_MS else HOUR_MS)


def _within(
    source: Source, metric: str, asked: TimeRange, values: Values, org: str, app: str
) -> tuple[str, list[str]]:
    """Table and conditions of a look-up."""
    resolution = _resolution(source, asked)
    named = [f"name = {values.text(metric)}"] if metric and source.named else []
    return source.table(resolution), [
        *scope_conditions(values, org, app),
        *named,
        *time_conditions(values, resolution.cover(asked)),
    ]


def fixed_labels(source_name: SourceName) -> tuple[str, ...]:
    """Dimensions that a source always has."""
    source = SOURCES[source_name]
    return (*source.plain_dimensions, *(source.mapped_dimensions or ()))


def plan_label_names(
    request: LabelsRequest, source_name: SourceName, *, org: str, app: str, now_ms: int
) -> Statement | None:
    """The statement that finds the other dimensions, or None where all are fixed."""
    source = SOURCES[source_name]
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    if source.mapped_dimensions is not None:
        return None
    values = Values()
    table, where = _within(source, request.metric, asked, values, org, app)
    return values.statement(
        fill(
            "label_names",
            table=table,
            where=" AND ".join(where),
            limit=values.add(MAX_LABELS, "UInt64"),
        )
    )


def plan_label_values(
    request: LabelValuesRequest,
    label: str,
    source_name: SourceName,
    *,
    org: str,
    app: str,
    now_ms: int,
) -> Statement:
    """The statement for the values of `label`; one more than `limit`, to tell whether it is all."""
    source = SOURCES[source_name]
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    values = Values()
    dimension = source.dimension(label, values, "name")
    table, where = _within(source, request.metric, asked, values, org, app)
    if "\0" in request.prefix:
        raise Rejected(QuestionReason.INVALID_FIELD, "prefix holds a NUL.", field="prefix")
    if request.prefix:
        where.append(f"startsWith(value, {values.text(request.prefix)})")
    return values.statement(
        fill(
            "label_values",
            dimension=dimension,
            table=table,
            where=" AND ".join(where),
            limit=values.add(request.limit + 1, "UInt64"),
        )
    )


def plan_exists(metric: str, *, org: str, app: str) -> Statement:
    """The statement that finds out whether `metric` is a name of events or of metrics."""
    values = Values()
    where = " AND ".join([*scope_conditions(values, org, app), f"name = {values.text(metric)}"])
    return values.statement(fill("exists", where=where))
