"""The statement for series: one pass over a rollup, or two where sketches are dear."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.query.aggregates import Aggregate, level_literal, levels_of
from api.query.buckets import Buckets
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions, time_conditions
from api.query.sources import Source
from api.query.statement import Statement, Values, fill
from api.query.timerange import HOUR_MS, MINUTE_MS, TimeRange
from seamark.wire.sketches import SKETCH_ACCURACY

_HEAVY: Final = frozenset({"percentile", "uniq_users", "uniq_sessions"})
_LOOK_BACK_ROWS: Final = 10
"""How many rows of a rollup before the range a running total is looked for."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is asked, checked and with its choices made."""

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


def series_statement(asked: Series) -> Statement:
    """The statement; one series more than `limit`, to tell whether it is all. Raises Rejected."""
    values, source = Values(), asked.source
    table = source.table(asked.buckets)
    keys = [
        source.dimension(key, values, f"groupBy[{place}]")
        for place, key in enumerate(asked.group_by)
    ]
    names = [f"g{place}" for place in range(len(keys))]
    limit = values.add(asked.limit + 1, "UInt64")
    rows, where = (
        increases(asked, values, table)
        if source.increases
        else (table, " AND ".join(series_conditions(asked, values, asked.buckets.range)))
    )
    largest = ""
    if keys and not source.increases and any(a.kind in _HEAVY for a in asked.aggregates):
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
            rows=rows,
            where=where,
            largest=largest,
            group_by=", ".join((*names, "bucket")),
            limit=limit,
        )
    )


def series_conditions(asked: Series, values: Values, range_: TimeRange) -> list[str]:
    """The conditions of a series on rows of its rollup within a range. Raises Rejected."""
    return [
        *scope_conditions(values, asked.org, asked.app),
        *([f"name = {values.text(asked.metric)}"] if asked.source.named else []),
        *time_conditions(values, range_),
        *conditions(
            asked.filters, values, lambda key, field: asked.source.dimension(key, values, field)
        ),
    ]


def increases(asked: Series, values: Values, table: str) -> tuple[str, str]:
    """The rows to add up, made of running totals, and the condition on them."""
    row_ms = HOUR_MS if asked.buckets.fits(HOUR_MS) else MINUTE_MS
    since_ms = max(asked.buckets.range.from_ms - _LOOK_BACK_ROWS * row_ms, 0)
    since = values.integer(since_ms // 1000)
    states, more = "", ""
    if any(aggregate.kind == "percentile" for aggregate in asked.aggregates):
        states = fill("metric_sketch_states", accuracy=f"{SKETCH_ACCURACY:g}").rstrip()
        more = fill("metric_sketches", since=since).rstrip()
    rows = fill(
        "metric_increases",
        since=since,
        more=more,
        more_states=states,
        table=table,
        where=" AND ".join(
            series_conditions(asked, values, TimeRange(since_ms, asked.buckets.range.to_ms))
        ),
    )
    return rows.strip(), time_conditions(values, asked.buckets.range)[0]


def _inner(asked: Series, values: Values) -> list[str]:
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
