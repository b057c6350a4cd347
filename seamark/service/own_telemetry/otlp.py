"""Families of metrics, as prometheus_client collects them, as one OTLP/JSON export request. Pure.

Counters become cumulative monotonic sums, gauges stay gauges, histograms become explicit ones. A
family keeps its name (a counter's has no `_total`). What is not ours, or about the process, is left
out, as is what is not finite.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

MOST_POINTS: Final = 5_000
"""Of one request. Beyond it points are left out, and counted."""
DROPPED: Final = "seamark_own_metrics_dropped"
_PREFIXES: Final = ("seamark_", "process_")
_CUMULATIVE: Final = 2
Labels = tuple[tuple[str, str], ...]


class Sample(Protocol):
    """One line of an exposition."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


class Family(Protocol):
    """A metric with its samples, as `CollectorRegistry.collect` gives them."""

    name: str
    documentation: str
    type: str

    @property
    def samples(self) -> Iterable[Sample]: ...


@dataclass(frozen=True, slots=True)
class Told:
    """Who reports."""

    service: str
    instance: str
    version: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """How often a report could not be sent, and how many points were too many."""

    reports: int = 0
    points: int = 0


class Starts:
    """Since when each series counts: one that was not there at the last report, since that.

    Counters of labels appear with their first count. Said to have begun with the process, that
    count would be of any time, and an increase from nothing to one could not be seen.
    """

    def __init__(self, started_ns: int) -> None:
        self._known: dict[tuple[str, Labels], int] = {}
        self._new_ns = started_ns

    def of(self, name: str, labels: Labels) -> int:
        """Nanoseconds since the epoch."""
        if len(self._known) >= 2 * MOST_POINTS:  # more than is ever sent: nobody will tell
            return self._known.get((name, labels), self._new_ns)
        return self._known.setdefault((name, labels), self._new_ns)

    def told(self, now_ns: int) -> None:
        """A report was made of all there is at `now_ns`."""
        self._new_ns = now_ns


@dataclass(frozen=True, slots=True)
class _Times:
    now_ns: int
    starts: Starts

    def point(self, name: str, labels: Labels) -> dict[str, Any]:
        """What every point of something that counts begins with."""
        return {"startTimeUnixNano": str(self.starts.of(name, labels)), **self.now(labels)}

    def now(self, labels: Labels) -> dict[str, Any]:
        """The same, of something that does not."""
        return {"timeUnixNano": str(self.now_ns), "attributes": _attributes(labels)}


def request(
    families: Iterable[Family],
    told: Told,
    starts: Starts,
    *,
    now_ns: int,
    dropped: Dropped = Dropped(),
) -> tuple[dict[str, Any], int]:
    """The request, and how many points were left out because there are more than MOST_POINTS.

    `starts` is of the same process from report to report.
    """
    times = _Times(now_ns, starts)
    metrics, room, left_out = [], MOST_POINTS, 0
    for family in families:
        if not family.name.startswith(_PREFIXES):
            continue
        made = _metric(family, times)
        if made is None:
            continue
        kind, points = made
        left_out += max(len(points["dataPoints"]) - room, 0)
        points["dataPoints"] = points["dataPoints"][:room]
        room -= len(points["dataPoints"])
        if points["dataPoints"]:
            metrics.append({"name": family.name, "description": family.documentation, kind: points})
    lost = [("reports", dropped.reports), ("points", dropped.points)]
    counted = [
        {**times.point(DROPPED, (("what", what),)), "asDouble": float(count)}
        for what, count in lost
    ]
    metrics.append({"name": DROPPED, "sum": {**_RUNNING, "dataPoints": counted}})
    starts.told(now_ns)
    resource = {
        "service.name": told.service,
        "service.instance.id": told.instance,
        "service.version": told.version,
    }
    scopes = [{"scope": {"name": "seamark"}, "metrics": metrics}]
    described = {"attributes": _attributes(tuple(resource.items()))}
    return {"resourceMetrics": [{"resource": described, "scopeMetrics": scopes}]}, left_out


_RUNNING: Final = {"aggregationTemporality": _CUMULATIVE, "isMonotonic": True}


def _metric(family: Family, times: _Times) -> tuple[str, dict[str, Any]] | None:
    match family.type:
        case "counter":
            # process_cpu_seconds is called so, and its sample process_cpu_seconds_total
            points = [
                {**times.point(family.name, labels), "asDouble": value}
                for labels, value in _numbers(family, {f"{family.name}_total", family.name})
            ]
            return "sum", {**_RUNNING, "dataPoints": points}
        case "gauge":
            levels = [
                {**times.now(labels), "asDouble": value}
                for labels, value in _numbers(family, {family.name})
            ]
            return "gauge", {"dataPoints": levels}
        case "histogram":
            points = [
                {**times.point(family.name, labels), **one.point()}
                for labels, one in _distributions(family).items()
                if one.below and math.isfinite(one.sum)
            ]
            return "histogram", {"aggregationTemporality": _CUMULATIVE, "dataPoints": points}
        case _:
            return None


def _numbers(family: Family, names: set[str]) -> list[tuple[Labels, float]]:
    return [
        (tuple(sample.labels.items()), sample.value)
        for sample in family.samples
        if sample.name in names and math.isfinite(sample.value)
    ]


def _distributions(family: Family) -> "dict[Labels, _Distribution]":
    """Buckets that count everything below them become buckets of their own."""
    found: dict[Labels, _Distribution] = {}
    for sample in family.samples:
        labels = tuple((k, v) for k, v in sample.labels.items() if k != "le")
        one = found.setdefault(labels, _Distribution({}))
        match sample.name.removeprefix(family.name):
            case "_bucket":
                one.below[float(sample.labels["le"])] = int(sample.value)
            case "_sum":
                one.sum = sample.value
    return found


@dataclass(slots=True)
class _Distribution:
    below: dict[float, int]
    sum: float = 0.0

    def point(self) -> dict[str, Any]:
        bounds = sorted(self.below)
        counts = [self.below[bound] for bound in bounds]
        # read while others count: a bucket may be ahead of the one above it by a moment
        steps = [max(b - a, 0) for a, b in zip([0, *counts], counts, strict=False)]
        if math.isfinite(bounds[-1]):
            steps.append(0)
        return {
            "explicitBounds": [bound for bound in bounds if math.isfinite(bound)],
            "bucketCounts": [str(step) for step in steps],
            "count": str(sum(steps)),
            "sum": self.sum,
        }


def _attributes(labels: Labels) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in labels]
