"""Metrics in the engine itself: points as OTLP in, answers of the API's own statements out."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from api.query.aggregates import parse_aggregates
from api.query.buckets import Buckets
from api.query.filters import Filter
from api.query.series_sql import SeriesPlan, series_statement
from api.query.sources import METRICS
from api.query.statement import Statement
from api.query.timerange import HOUR_MS, MINUTE_MS, TimeRange
from seamark.wire.signals import Signal
from tests.support.metric_reference import Total
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope

MANY: Final = 100_000
_PLACEHOLDER: Final = re.compile(r"\{(p\d+):(\w+)\}")
_ROLLUP: Final = re.compile(r"\b(metrics_1[mh]|metric_points)\b")


@dataclasses.dataclass
class MetricStore:
    """Tables of its own, of org `acme` and app `shop`."""

    store: EngineStore

    @classmethod
    def empty(cls) -> "MetricStore":
        """With the schema, and no points."""
        return cls(EngineStore().migrated())

    def insert(
        self,
        metrics: Sequence[Mapping[str, Any]],
        resource: Mapping[str, str] | None = None,
        *,
        received_ns: int = RECEIVED_NS,
    ) -> None:
        """One block: metrics as OTLP/JSON, of one resource."""
        body = {
            "resourceMetrics": [
                {
                    "resource": {"attributes": attributes(resource or {"service.name": "web"})},
                    "scopeMetrics": [{"metrics": list(metrics)}],
                }
            ]
        }
        request = json_format.ParseDict(body, ExportMetricsServiceRequest())
        sent = envelope(Signal.METRICS, request.SerializeToString(), received_ns=received_ns)
        self.store.insert(Signal.METRICS, [sent])

    def ask(
        self,
        metric: str,
        from_ms: int,
        to_ms: int,
        agg: Sequence[str],
        *,
        step_ms: int = 0,
        rows_of: str = "",
        group_by: Sequence[str] = (),
        filters: Sequence[Filter] = (),
    ) -> dict[tuple[str, ...], list[list[Any]]]:
        """Labels -> rows of (bucket in ms, *values).

        `step_ms` 0: one bucket, which is the range. `rows_of`: `1m` or `1h`, the rollup to read.
        """
        step_ms = step_ms or to_ms - from_ms
        hourly = step_ms % HOUR_MS == from_ms % HOUR_MS == 0
        table = f"metrics_{rows_of or ('1h' if hourly else '1m')}"
        statement = series_statement(
            SeriesPlan(
                source=dataclasses.replace(METRICS, tables=((MINUTE_MS, table),)),
                metric=metric,
                aggregates=parse_aggregates(agg),
                buckets=Buckets("", TimeRange(from_ms, to_ms), step_ms, from_ms % step_ms),
                filters=filters,
                group_by=group_by,
                limit=MANY,
                org="acme",
                app="shop",
                now_ms=to_ms,
            )
        )
        found = self.store.records(self.bound(statement))
        return {
            tuple(row["labels"]): [
                [None if value == "nan" else value for value in point] for point in row["points"]
            ]
            for row in found
        }

    def bound(self, statement: Statement) -> str:
        """The statement as text, over the tables of this store."""

        def value(match: re.Match[str]) -> str:
            given = statement.values[match[1]]
            if not isinstance(given, str):
                return f"toInt64({given})" if match[2] == "Int64" else str(given)
            escaped = given.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"

        text = _PLACEHOLDER.sub(value, statement.sql)
        return _ROLLUP.sub(lambda match: f"{self.store.database}.{match[1]}", text)


def attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """String attributes as OTLP/JSON."""
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def nanos(time_ms: int) -> str:
    """A time as OTLP/JSON has it."""
    return str(time_ms * 1_000_000)


def as_sum(name: str, points: Sequence[Total], temporality: int) -> dict[str, Any]:
    """Points of a monotonic sum as OTLP/JSON. `temporality`: 1 delta, 2 cumulative."""
    return {
        "name": name,
        "sum": {
            "aggregationTemporality": temporality,
            "isMonotonic": True,
            "dataPoints": [
                {
                    "timeUnixNano": nanos(point.time),
                    "startTimeUnixNano": nanos(point.start),
                    "asDouble": point.value,
                }
                for point in points
            ],
        },
    }
