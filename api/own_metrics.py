"""Own metrics of the process that answers questions, each declared once with its meaning."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class OwnMetrics:
    """Prometheus metrics in a registry of their own, so that tests can have several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "seamark_api_requests_total",
            "Answers given, by route pattern, HTTP status and reason (empty: answered).",
            ["route", "status", "reason"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "seamark_api_request_seconds",
            "From the request's head to the answer, by route pattern.",
            ["route"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10),
            registry=self.registry,
        )
        self.cancelled = Counter(
            "seamark_api_cancelled_total",
            "Questions whose asker hung up before the answer, by route pattern.",
            ["route"],
            registry=self.registry,
        )
        self.cache = Counter(
            "seamark_api_cache_total",
            "Look-ups in the answer cache: hit, miss, shared (an equal query was under way), "
            "stale (served because the store was away), off (not asked, or cache away).",
            ["result"],
            registry=self.registry,
        )
        self.cache_away = Gauge(
            "seamark_api_cache_away",
            "1 while the answer cache is left alone after a failure.",
            registry=self.registry,
        )
        self.store_seconds = Histogram(
            "seamark_api_store_seconds",
            "Time of one query in the store, waiting for a turn included.",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10),
            registry=self.registry,
        )
        self.store_failures = Counter(
            "seamark_api_store_failures_total",
            "Queries the store did not answer, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.tails = Gauge(
            "seamark_api_tails", "Live tails of logs that are open.", registry=self.registry
        )
        self.tail_feeds = Gauge(
            "seamark_api_tail_feeds",
            "What they ask the store for: equal tails ask once.",
            registry=self.registry,
        )
        self.active_series = Gauge(
            "seamark_api_active_series",
            "Series written in this hour and the one before, over all orgs, by kind; counted every "
            "five minutes.",
            ["kind"],
            registry=self.registry,
        )
        self.unreadable_records = Gauge(
            "seamark_api_unreadable_records",
            "Records of orgs, apps, keys and tokens that cannot be read; the health page names "
            "them.",
            registry=self.registry,
        )
        self.rows_read = Counter(
            "seamark_api_store_rows_total", "Rows the store read.", registry=self.registry
        )
        self.bytes_read = Counter(
            "seamark_api_store_bytes_total", "Bytes the store read.", registry=self.registry
        )
