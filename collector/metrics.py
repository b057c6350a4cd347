"""The collector's own metrics, declared before anything is counted; an unknown name cannot be.

`accepted`, `refused` (we could not take it) and `rejected{reason}` (the sender's fault) count
items: events, spans, points, records. What the parts behind ingest count is in `observers.py`.
With several processes, prometheus_client's multiprocess mode joins them (PROMETHEUS_MULTIPROC_DIR,
set by `collector.processes`).
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import Metric

from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal

disable_created_metrics()  # type: ignore[no-untyped-call]  # their *_created series double the page and tell nothing here
REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS: Final = Counter(
    "seamark_collector_requests",
    "HTTP requests answered.",
    ["route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "seamark_collector_request_seconds",
    "Time from a request's headers to its answer, the log's acknowledgement included.",
    ["route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
BYTES: Final = Counter(
    "seamark_collector_received_bytes", "Bodies as sent.", ["route"], registry=REGISTRY
)
OFFERED: Final = Counter(
    "seamark_collector_items_offered", "Items in the requests read.", ["signal"], registry=REGISTRY
)
ACCEPTED: Final = Counter(
    "seamark_collector_items_accepted",
    "Items the log has acknowledged.",
    ["signal"],
    registry=REGISTRY,
)
REJECTED: Final = Counter(
    "seamark_collector_items_rejected",
    "Items not taken for a fault of the sender.",
    ["signal", "reason"],
    registry=REGISTRY,
)
DEAD_LETTERS: Final = Counter(
    "seamark_collector_dead_letters",
    "Rejected items kept as they were sent.",
    ["signal"],
    registry=REGISTRY,
)
DEAD_LETTERS_DROPPED: Final = Counter(
    "seamark_collector_dead_letters_dropped",
    "Rejected items counted but not kept: over the rate of their app, or the size of one request.",
    ["signal", "reason"],
    registry=REGISTRY,
)
REFUSED: Final = Counter(
    "seamark_collector_items_refused",
    "Good items that could not be taken; the sender was told to send them again.",
    ["signal"],
    registry=REGISTRY,
)
FAILURES: Final = Counter(
    "seamark_collector_request_failures",
    "Requests not taken as a whole, by reason.",
    ["route", "reason"],
    registry=REGISTRY,
)
REQUEST_REJECTIONS_DROPPED: Final = Counter(
    "seamark_collector_request_rejections_dropped",
    "Rejected requests that the ledger does not count: too many kinds of them waited for the log.",
    registry=REGISTRY,
)
UNKNOWN_KEY_REQUESTS: Final = Counter(
    "seamark_collector_unknown_key_requests",
    "Requests with an API key that no app has, by the first 8 hex digits of its SHA-256; beyond "
    "100 different keys: other.",
    ["key_hash"],
    registry=REGISTRY,
)
IN_FLIGHT: Final = Gauge(
    "seamark_collector_in_flight_bytes",
    "Bodies held in memory now, as sent and inflated.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
EVICTED: Final = Counter(
    "seamark_collector_bodies_evicted",
    "Bodies on their way that were ended, the slowest first, to make room for others.",
    registry=REGISTRY,
)
CONNECTIONS_REFUSED: Final = Counter(
    "seamark_collector_connections_refused",
    "Connections closed because there were too many, of all or of one address.",
    ["protocol", "reason"],
    registry=REGISTRY,
)
CONNECTIONS: Final = Gauge(
    "seamark_collector_connections",
    "HTTP connections open now.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)


@cache  # labels() is what costs; the label values are a small closed set
def _answered(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, str(status))


@cache
def _seconds(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


@cache
def _bytes(route: str) -> Counter:
    return BYTES.labels(route)


@cache
def _items(signal: Signal) -> tuple[Counter, Counter, Counter]:
    name = signal.value
    return OFFERED.labels(name), ACCEPTED.labels(name), REFUSED.labels(name)


def answered(route: str, *, status: int, seconds: float, size: int) -> None:
    """Count one answered request. `route` is a known path, or "other"."""
    _answered(route, status).inc()
    _seconds(route).observe(seconds)
    if size:
        _bytes(route).inc(size)


def taken(signal: Signal, outcome: Outcome) -> None:
    """Count the items of a request that the log has acknowledged."""
    offered, accepted, _ = _items(signal)
    offered.inc(outcome.offered)
    accepted.inc(outcome.accepted)
    _count_rejected(signal, outcome.rejected)


def not_taken(signal: Signal, failure: Rejected | Unavailable) -> None:
    """Count the items of a request that was rejected as a whole, or refused, after it was read."""
    offered, _, refused = _items(signal)
    items = failure.items or 0
    offered.inc(items)
    if isinstance(failure, Unavailable):
        refused.inc(items)
    elif items:
        REJECTED.labels(signal.value, failure.reason.value).inc(items)


def dead_letters(signal: Signal, taken: int, dropped: Mapping[str, int]) -> None:
    """Count the dead letters of a request, and those that were dropped, by reason."""
    if taken:
        DEAD_LETTERS.labels(signal.value).inc(taken)
    for reason, count in dropped.items():
        DEAD_LETTERS_DROPPED.labels(signal.value, reason).inc(count)


def _count_rejected(signal: Signal, rejected: Mapping[str, int]) -> None:
    for reason, count in rejected.items():
        REJECTED.labels(signal.value, reason).inc(count)


def page() -> bytes:
    """All metrics in the Prometheus text format, of every process of this collector. Blocks."""
    return generate_latest(_joined())


def families() -> Iterable[Metric]:
    """The same, not written down yet. Blocks."""
    return _joined().collect()


def _joined() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    joined = CollectorRegistry()
    multiprocess.MultiProcessCollector(joined)  # type: ignore[no-untyped-call]
    return joined
