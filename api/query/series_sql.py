"""The statement for series: one pass over a rollup, or two where sketches are dear."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.query.aggregates import Aggregate, level_literal, levels_of
from api.query.buckets import Buckets
from api.query.events import dimension
from api.query.filters import Filter, conditions
from api.query.people import Identity
from api.query.raw_events import RawEvents, raw_events
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import Source
from api.query.statement import Statement, Values, fill, template
from api.query.timerange import DAY_MS, HOUR_MS, TimeRange
from seamark.wire.sketches import SKETCH_ACCURACY

_HEAVY: Final = frozenset({"percentile", "uniq_users", "uniq_sessions"})
LOOK_BACK_MS: Final = DAY_MS
"""How long before the hour in which a range begins the point before its first one is looked for."""
_IDENTITY: Final = "app, service, type, unit, temporality, monotonic, series, run"
_STATES: Final = (
    ", sketch, observed, first_histogram, last_histogram, all_histograms, zero_threshold, "
    "last_quantiles"
)
_WINDOWS: Final = (
    ", any(last_histogram) OVER before AS previous_histogram, "
    "any(last_histogram) OVER of_series AS stood_histogram"
)
_RUNNING: Final = (
    "(type = 'summary' OR (temporality = 'cumulative' AND (type != 'sum' OR monotonic)))"
)


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What is asked, checked and with its choices made. With an identity it is read from raw
    events, else from rollups."""

    source: Source
    metric: str
    aggregates: Sequence[Aggregate]
    buckets: Buckets
    filters: Sequence[Filter]
    group_by: Sequence[str]
    limit: int
    org: str
    app: str
    now_ms: int
    identity: Identity | None = None


def series_statement(asked: SeriesPlan) -> Statement:
    """The statement; one series more than `limit`, to tell whether it is all. Raises Rejected."""
    values = Values()
    raw = _people_events(asked, values) if asked.identity else None
    if raw:
        asked = replace(asked, source=raw.source)
    source, table = asked.source, asked.source.table(asked.buckets)
    keys = [
        dimension(key, f"groupBy[{place}]")
        if raw
        else source.dimension(key, values, f"groupBy[{place}]")
        for place, key in enumerate(asked.group_by)
    ]
    names = [f"g{place}" for place in range(len(keys))]
    limit = values.add(asked.limit + 1, "UInt64")
    rows, where = _rows(asked, values, table, raw)
    largest = ""
    if keys and rows == table and any(a.kind in _HEAVY for a in asked.aggregates):
        largest = "\n" + fill(
            "largest_groups", keys=", ".join(keys), table=table, where=where, limit=limit
        )
    return values.statement(
        fill(
            "timeseries",
            labels=f"[{', '.join(names)}]" if names else "emptyArrayString()",
            aggregates="".join(f", {expression}" for expression in _outer(asked.aggregates)),
            bucket=asked.buckets.start_sql(values),
            columns=",\n        ".join(
                [
                    *(f"{key} AS {name}" for key, name in zip(keys, names, strict=True)),
                    *_inner(asked, values),
                ]
            ),
            total=source.total,
            sampled=source.sampled,
            kinds=",\n    groupUniqArrayArray(bucket_kinds) AS kinds" if source.kinds else "",
            bucket_kinds=f",\n        {source.kinds} AS bucket_kinds" if source.kinds else "",
            rows=rows,
            where=where,
            largest=largest,
            group_by=", ".join((*names, "bucket")),
            limit=limit,
        )
    )


def _people_events(asked: SeriesPlan, values: Values) -> RawEvents:
    """The raw events of a question with an identity. Raises Rejected."""
    return raw_events(
        values,
        asked.buckets.range,
        org=asked.org,
        app=asked.app,
        name=asked.metric,
        filters=asked.filters,
        identity=asked.identity,
    )


def _rows(asked: SeriesPlan, values: Values, table: str, raw: RawEvents | None) -> tuple[str, str]:
    """What is counted, and the condition on it."""
    if raw:
        return raw.rows, " AND ".join(raw.where)
    if asked.source.increases:
        return increases(asked, values, table)
    return table, " AND ".join(series_conditions(asked, values, asked.buckets.range))


def series_conditions(asked: SeriesPlan, values: Values, range_: TimeRange) -> list[str]:
    """The conditions of a series on rows of its rollup within a range. Raises Rejected."""
    values.metric = asked.metric if asked.source.named else ""
    return [
        *scope_conditions(values, asked.org, asked.app),
        *([f"name = {values.text(asked.metric)}"] if asked.source.named else []),
        *time_conditions(values, range_),
        *conditions(
            asked.filters, values, lambda key, field: asked.source.dimension(key, values, field)
        ),
    ]


def increases(asked: SeriesPlan, values: Values, table: str) -> tuple[str, str]:
    """The rows to add up, made of the points of totals and deltas, and the condition on them."""
    hour_ms = asked.buckets.range.from_ms - asked.buckets.range.from_ms % HOUR_MS
    since_ms = max(hour_ms - LOOK_BACK_MS, 0)
    before = [("metrics_1h", TimeRange(since_ms, hour_ms))]
    if hour_ms < asked.buckets.range.from_ms:
        before.append(("metrics_1m", TimeRange(hour_ms, asked.buckets.range.from_ms)))
    percentiles = any(aggregate.kind == "percentile" for aggregate in asked.aggregates)
    accuracy = f"{SKETCH_ACCURACY:g}"
    shared = {
        "identity": _IDENTITY,
        "running": _RUNNING,
        "more_states": fill("metric_sketch_states", accuracy=accuracy).rstrip()
        if percentiles
        else "",
    }

    def where(range_: TimeRange) -> str:
        return " AND ".join(series_conditions(asked, values, range_))

    rows = fill(
        "metric_increases",
        **shared,
        since_ns=f"{values.integer(since_ms)} * 1000000",
        states=_STATES if percentiles else "",
        windows=_WINDOWS if percentiles else "",
        more=template("metric_sketches").rstrip() if percentiles else "",
        table=table,
        where=where(asked.buckets.range),
        before="".join(
            fill("metric_before", **shared, place=str(place), table=earlier, where=where(range_))
            for place, (earlier, range_) in enumerate(before)
        ),
    )
    return rows.strip(), time_conditions(values, asked.buckets.range)[0]


def _inner(asked: SeriesPlan, values: Values) -> list[str]:
    columns = []
    for place, aggregate in enumerate(asked.aggregates):
        if aggregate.kind != "percentile":
            sql = asked.source.columns[aggregate.kind]
            if "{seconds}" in sql:
                sql = sql.replace("{seconds}", asked.buckets.seconds_sql(values, asked.now_ms))
            columns.append(f"{sql} AS a{place}")
    levels = levels_of(asked.aggregates)
    if levels:
        literals = ", ".join(level_literal(level) for level in levels)
        columns.append(
            asked.source.columns["percentile"].replace("{levels}", literals) + " AS levels"
        )
    return columns


def _outer(aggregates: Sequence[Aggregate]) -> list[str]:
    levels = levels_of(aggregates)
    return [
        f"levels[{levels.index(aggregate.level) + 1}]"
        if aggregate.kind == "percentile"
        else f"a{place}"
        for place, aggregate in enumerate(aggregates)
    ]
