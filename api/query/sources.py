"""Where series come from: the rollups of events, metrics and spans, and what each can tell.

A source knows its tables by resolution, its dimensions, and the SQL of each aggregate over one
bucket. `{seconds}` in it takes the length of the bucket, `{levels}` the levels of percentiles.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from api.query.buckets import Buckets
from api.query.near import did_you_mean
from api.query.sketches import distinct, from_buckets, from_sketch
from api.query.statement import AttributeUse, Values
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, Granularity
from api.reasons import QuestionReason
from seamark.wire.dimensions import EVENT_DIMENSIONS, SPAN_DIMENSIONS
from seamark.wire.failures import Rejected

SourceName = Literal["events", "metrics", "spans"]
SPAN_METRIC: Final = "traces.span.duration"
"""Spans are asked for as this metric; its values are milliseconds."""
MAX_KEY_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class Source:
    """One family of rollups."""

    name: SourceName
    tables: tuple[tuple[int, str], ...]
    """(resolution in ms, table), coarsest first."""
    columns: Mapping[str, str]
    """Kind of aggregate -> SQL over the rows of one bucket."""
    plain_dimensions: tuple[str, ...]
    """Dimensions that are columns of their own."""
    mapped_dimensions: tuple[str, ...] | None
    """Dimensions in the map `dims`; None: whatever attributes there are; () : no such map."""
    named: bool = True
    """Whether rows carry the metric's name."""
    total: str = "sum(count)"
    """What makes one series larger than another."""
    sampled: str = "sum(count) != sum(rows)"
    """Whether counts are estimates."""
    kinds: str = ""
    """SQL of what one answer may not mix: (kind, unit) of the rows. Empty: it may mix all."""
    increases: bool = False
    """Whether rows have to be made of running totals first (`metric_increases.sql`)."""

    def table(self, buckets: Granularity | Buckets) -> str:
        """The coarsest table of which each row lies within one bucket."""
        for resolution_ms, table in self.tables:
            if buckets.fits(resolution_ms):
                return table
        raise AssertionError("buckets are whole minutes")

    def dimension(self, key: str, values: Values, field: str) -> str:
        """SQL (a string) of a dimension. Raises Rejected when there is no such dimension."""
        if key in self.plain_dimensions:
            return "toString(monotonic)" if key == "monotonic" else key
        mapped = self.mapped_dimensions
        if mapped is None:
            return self._attribute(key, values, field)
        if mapped and key in mapped:
            return f"dims[{values.text(key)}]"
        raise self._not_a_dimension(key, field)

    def _attribute(self, key: str, values: Values, field: str) -> str:
        """SQL of an attribute; with a prefix, of one that is named like a plain dimension."""
        if key == "service.name":
            return "service"
        prefix, dot, behind = key.partition(".")
        name = behind if dot and prefix in ("attr", "resource") else key
        if not 0 < len(name) <= MAX_KEY_CHARS or "\0" in name:
            raise self._not_a_dimension(key, field)
        values.attributes.append(AttributeUse(self.tables[0][1], ("dims",), name, key, field))
        return f"dims[{values.text(name)}]"

    def _not_a_dimension(self, key: str, field: str) -> Rejected[QuestionReason]:
        dimensions = (*self.plain_dimensions, *(self.mapped_dimensions or ()))
        known = ", ".join(sorted(dimensions))
        way_out = {
            "events": "Send the value in an attribute that one of them is taken from, or ask "
            "POST /v1/query/logs and /v1/query/traces, which search raw attributes. For an "
            'OpenTelemetry metric say "source": "metrics".',
            "spans": "POST /v1/query/traces searches by any attribute.",
            "metrics": f"A name has 1 to {MAX_KEY_CHARS} characters, none of them NUL.",
        }[self.name]
        return Rejected(
            QuestionReason.NOT_A_DIMENSION,
            f"{key[:60]!r} is not a dimension of {self.name}.{did_you_mean(key[:60], dimensions)} "
            f"The dimensions are: {known}. {way_out}",
            field=field,
        )


EVENTS: Final = Source(
    name="events",
    tables=((DAY_MS, "events_1d"), (HOUR_MS, "events_1h"), (MINUTE_MS, "events_1m")),
    columns={
        "count": "sum(count)",
        "sum": "if(sum(value_count) = 0, NULL, sum(value_sum))",
        "avg": "sum(value_sum) / nullIf(sum(value_count), 0)",
        "min": "min(value_min)",
        "max": "max(value_max)",
        "rate": "sum(count) / {seconds}",
        "uniq_users": distinct("users"),
        "uniq_sessions": distinct("sessions"),
        "percentile": from_sketch("value_sketch", "min(value_min)", "max(value_max)"),
    },
    plain_dimensions=("app",),
    mapped_dimensions=tuple(EVENT_DIMENSIONS),
)
SPANS: Final = Source(
    name="spans",
    tables=((HOUR_MS, "spans_1h"), (MINUTE_MS, "spans_1m")),
    columns={
        "count": "sum(count)",
        "sum": "sum(duration_sum) / 1e6",
        "avg": "sum(duration_sum) / nullIf(sum(count), 0) / 1e6",
        "min": "min(duration_min) / 1e6",
        "max": "max(duration_max) / 1e6",
        "rate": "sum(count) / {seconds}",
        "percentile": "arrayMap(ns -> ns / 1e6, "
        + from_sketch(
            "duration_sketch", "toFloat64(min(duration_min))", "toFloat64(max(duration_max))"
        )
        + ")",
    },
    plain_dimensions=("app", *SPAN_DIMENSIONS),
    mapped_dimensions=(),
    named=False,
)


def _of_last(function: str) -> str:
    """SQL of an aggregate of the last value of each series, NULL without any."""
    return f"""arrayMap(lasts -> if(empty(lasts), NULL, {function}(arrayFilter(
            (p, after) -> p.1 != after.1, lasts,
            arrayPushBack(arrayPopFront(lasts), (toUInt64(0), toUInt64(0), 0.))).3)),
            [arraySort(groupArrayIf((series, last.1, last.2), last.1 > 0))])[1]"""


_KIND: Final = """\
multiIf(type = 'sum' AND (running OR (temporality = 'delta' AND monotonic)), 'counter',
            type = 'exponential_histogram', 'histogram', type)"""
METRICS: Final = Source(
    name="metrics",
    tables=((HOUR_MS, "metrics_1h"), (MINUTE_MS, "metrics_1m")),
    columns={
        "count": "sum(count)",
        "sum": "sum(sum)",
        "avg": "sum(sum) / nullIf(sum(count), 0)",
        "min": "min(min)",
        "max": "max(max)",
        "rate": "sum(amount) / {seconds}",
        "last": "if(max(last.1) = 0, NULL, argMax(last.2, last.1))",
        "sum_last": _of_last("arraySum"),
        "avg_last": _of_last("arrayAvg"),
        "percentile": from_buckets(from_sketch("sketch", "min(min)", "max(max)")),
    },
    plain_dimensions=("app", "service", "type", "unit", "monotonic"),
    mapped_dimensions=None,
    total="sum(amount)",
    sampled="0",
    kinds=f"groupUniqArray(({_KIND}, unit))",
    increases=True,
)
SOURCES: Final[Mapping[SourceName, Source]] = {
    "events": EVENTS,
    "metrics": METRICS,
    "spans": SPANS,
}
