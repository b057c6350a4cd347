"""Exemplars of series: for each bucket a trace to look at; of spans from their rollup, of metrics
from the exemplars of their raw points."""

import dataclasses
from typing import Final

import msgspec

from api.query.attributes import POINTS, attribute_column
from api.query.filters import conditions
from api.query.scoping import scope_conditions
from api.query.series_sql import SeriesPlan, series_conditions
from api.query.sources import METRICS, SPANS
from api.query.statement import Statement, Values, fill

MAX_EXEMPLARS: Final = 1000


class ExemplarRow(msgspec.Struct, array_like=True, frozen=True):
    """A trace of one bucket (its start, epoch ms) of one series, and the value measured in it."""

    labels: list[str]
    time: int
    trace_id: str
    value: float | None = None


def exemplars_statement(asked: SeriesPlan) -> Statement | None:
    """The statement, or None: events have no exemplars. The latest buckets first."""
    if asked.source is METRICS:
        return _of_points(asked)
    if asked.source is not SPANS:
        return None
    values = Values()
    keys = [
        asked.source.dimension(key, values, f"groupBy[{place}]")
        for place, key in enumerate(asked.group_by)
    ]
    return values.statement(
        fill(
            "exemplars",
            labels=f"[{', '.join(f'toString({key})' for key in keys)}]"
            if keys
            else "emptyArrayString()",
            bucket=asked.buckets.start_sql(values),
            table=asked.source.table(asked.buckets),
            where=" AND ".join(series_conditions(asked, values, asked.buckets.range)),
            limit=values.add(MAX_EXEMPLARS, "UInt64"),
        )
    )


def _of_points(asked: SeriesPlan) -> Statement:
    values = Values()
    column = attribute_column(values, POINTS)
    keys = [column(key, f"groupBy[{place}]") for place, key in enumerate(asked.group_by)]
    since, until = (
        f"fromUnixTimestamp64Milli({values.integer(ms)}, 'UTC')"
        for ms in (asked.buckets.range.from_ms, asked.buckets.range.to_ms)
    )
    where = [
        *scope_conditions(values, asked.org, asked.app),
        f"name = {values.text(asked.metric)}",
        f"time >= {since}",
        f"time < {until}",
        *conditions(asked.filters, values, column),
    ]
    return dataclasses.replace(
        values.statement(
            fill(
                "metric_exemplars",
                labels=f"[{', '.join(f'toString({key})' for key in keys)}]"
                if keys
                else "emptyArrayString()",
                bucket=asked.buckets.start_sql(values),
                where=" AND ".join(where),
                limit=values.add(MAX_EXEMPLARS, "UInt64"),
            )
        ),
        attributes=(),  # the statement of the series has looked for them
    )
