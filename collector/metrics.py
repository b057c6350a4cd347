"""The collector's own metrics, declared before anything is counted; an unknown name cannot be.

`accepted`, `refused` (we could not take it) and `rejected{reason}` (the sender's fault) count
items: events, spans, points, records. What the parts behind ingest count is in `observers.py`.
With several processes, prometheus_client's multiprocess mode joins them (PROMETHEUS_MULTIPROC_DIR,
set by `collector.processes`).
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

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
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

disable_created_metrics()  # type: ignore[no-untyped-call]  # their *_created series double the page and tell nothing here
REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


def counter(name: str, text: str, *labels: str) -> Counter:
    """Declare a counter of this collector."""
    return Counter(name, text, labels, registry=REGISTRY)


def seconds_histogram(name: str, text: str, *labels: str) -> Histogram:
    """Declare a histogram of durations of this collector."""
    return Histogram(name, text, labels, buckets=_SECONDS, registry=REGISTRY)


def gauge(
    name: str, text: str, *labels: str, joined: Literal["livesum", "livemax"] = "livesum"
) -> Gauge:
    """Declare a gauge of this collector; `joined` says how the values of processes make one."""
    return Gauge(name, text, labels, multiprocess_mode=joined, registry=REGISTRY)


REQUESTS: Final = counter(
    "seamark_collector_requests", "HTTP requests answered.", "route", "status"
)
REQUEST_SECONDS: Final = seconds_histogram(
    "seamark_collector_request_seconds",
    "Time from a request's headers to its answer, the log's acknowledgement included.",
    "route",
)
BYTES: Final = counter("seamark_collector_received_bytes", "Bodies as sent.", "route")
OFFERED: Final = counter("seamark_collector_items_offered", "Items in the requests read.", "signal")
ACCEPTED: Final = counter(
    "seamark_collector_items_accepted", "Items the log has acknowledged.", "signal"
)
REJECTED: Final = counter(
    "seamark_collector_items_rejected",
    "Items not taken for a fault of the sender.",
    "signal",
    "reason",
)
DEAD_LETTERS: Final = counter(
    "seamark_collector_dead_letters", "Rejected items kept as they were sent.", "signal"
)
DEAD_LETTERS_DROPPED: Final = counter(
    "seamark_collector_dead_letters_dropped",
    "Rejected items counted but not kept: over the rate of their app, or the size of one request.",
    "signal",
    "reason",
)
REFUSED: Final = counter(
    "seamark_collector_items_refused",
    "Good items that could not be taken; the sender was told to send them again.",
    "signal",
)
LIMITED: Final = counter(
    "seamark_collector_items_limited",
    "Items of requests that were over a limit of their key or org; to be sent again later.",
    "signal",
)
FAILURES: Final = counter(
    "seamark_collector_request_failures",
    "Requests not taken as a whole, by reason.",
    "route",
    "reason",
)
REQUEST_REJECTIONS_DROPPED: Final = counter(
    "seamark_collector_request_rejections_dropped",
    "Rejected requests that the ledger does not count: too many kinds of them waited for the log.",
)
UNKNOWN_KEY_REQUESTS: Final = counter(
    "seamark_collector_unknown_key_requests",
    "Requests with an API key that no app has, by the first 8 hex digits of its SHA-256 and the "
    "network (IPv4 /24, IPv6 /48) they came from; beyond 100 different pairs: other.",
    "key_hash",
    "source",
)
REDACTED: Final = counter(
    "seamark_collector_values_redacted",
    "Values changed before they were stored, by the rule that changed them; beyond 1,000 rules of "
    "all apps together: other.",
    "org",
    "app",
    "rule",
)
SCHEMA_WARNINGS: Final = counter(
    "seamark_collector_schema_warnings",
    "Events that are not what their schema says, stored because its mode is warn.",
    "org",
    "app",
)
_RULES_COUNTED: Final = 1_000
_rules_counted: Final[set[tuple[str, str, str]]] = set()
UNREAD_BYTES: Final = counter(
    "seamark_collector_unread_bytes",
    "Bodies of requests not taken whose items were not counted: as long as declared, else as far "
    "as they came.",
    "route",
    "reason",
)
IN_FLIGHT: Final = gauge(
    "seamark_collector_in_flight_bytes", "Bodies held in memory now, as sent and inflated."
)
EVICTED: Final = counter(
    "seamark_collector_bodies_evicted",
    "Bodies on their way that were ended, the slowest first, to make room for others.",
)
CONNECTIONS_REFUSED: Final = counter(
    "seamark_collector_connections_refused",
    "Connections closed because there were too many, of all or of one address.",
    "protocol",
    "reason",
)
UNREADABLE_RECORDS: Final = gauge(
    "seamark_collector_unreadable_records",
    "Records of orgs, apps, keys and tokens that cannot be read; the health page names them.",
    joined="livemax",
)
CONNECTIONS: Final = gauge("seamark_collector_connections", "HTTP connections open now.")


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
    if failure.reason is Reason.LIMITED:
        LIMITED.labels(signal.value).inc(items)
    elif isinstance(failure, Unavailable):
        refused.inc(items)
    elif items:
        REJECTED.labels(signal.value, failure.reason.value).inc(items)


def dead_letters(signal: Signal, taken: int, dropped: Mapping[str, int]) -> None:
    """Count the dead letters of a request, and those that were dropped, by reason."""
    if taken:
        DEAD_LETTERS.labels(signal.value).inc(taken)
    for reason, count in dropped.items():
        DEAD_LETTERS_DROPPED.labels(signal.value, reason).inc(count)


def redacted(org: str, app: str, counts: Mapping[str, int]) -> None:
    """Count what the rules of an app changed."""
    for rule, count in counts.items():
        labels = org, app, rule
        if labels not in _rules_counted:
            if len(_rules_counted) >= _RULES_COUNTED:
                labels = "other", "other", "other"
            else:
                _rules_counted.add(labels)
        REDACTED.labels(*labels).inc(count)


def schema_warnings(org: str, app: str, counts: Mapping[str, int]) -> None:
    """Count the events of an app that were let through, by their types."""
    SCHEMA_WARNINGS.labels(org, app).inc(sum(counts.values()))


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
