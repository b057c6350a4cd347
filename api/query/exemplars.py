"""Exemplars of series: for each bucket of spans a trace to look at, from the same rollup."""

from typing import Final

import msgspec

from api.query.series_sql import Series, series_conditions
from api.query.sources import SPANS
from api.query.statement import Statement, Values, fill

MAX_EXEMPLARS: Final = 1000


class ExemplarRow(msgspec.Struct, array_like=True, frozen=True):
    """A trace of one bucket (its start, epoch ms) of one series."""

    labels: list[str]
    time: int
    trace_id: str


def exemplars_statement(asked: Series) -> Statement | None:
    """The statement, or None: only spans have exemplars. The latest buckets first."""
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
