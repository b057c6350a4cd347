"""The store's own metrics: every one is declared here before it is emitted."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

INSERTS: Final = Counter("seamark_store_inserts", "Inserts of formatted data that succeeded.")
INSERT_SECONDS: Final = Histogram(
    "seamark_store_insert_seconds",
    "Time an insert took in the engine, decompression included, whatever came of it.",
    buckets=_SECONDS,
)
INSERT_ROWS: Final = Counter(
    "seamark_store_insert_rows",
    "Rows written by inserts, views' rows included; a retry counts its rows again.",
)
INSERT_BYTES: Final = Counter(
    "seamark_store_insert_bytes", "Bytes of insert data as received, before decompression."
)
QUERIES: Final = Counter("seamark_store_queries", "Statements other than inserts that succeeded.")
QUERY_SECONDS: Final = Histogram(
    "seamark_store_query_seconds",
    "Time a statement other than an insert took until its last result byte was handed on.",
    buckets=_SECONDS,
)
CANCELLED: Final = Counter(
    "seamark_store_cancelled", "Requests cancelled because their client went away."
)
ERRORS: Final = Counter(
    "seamark_store_errors", "Requests that failed, by ClickHouse's error code.", ("code",)
)
RUNNING: Final = Gauge("seamark_store_running", "Requests running or waiting for a thread.")
SESSIONS: Final = Gauge("seamark_store_sessions", "Sessions held open.")
REPAIRED: Final = Gauge(
    "seamark_store_repaired_records",
    "Deduplication records without a part that were removed at the last start.",
)
BROKEN: Final = Gauge(
    "seamark_store_broken_parts",
    "Parts put aside because the disk had failed a write of them; what they held was sent again.",
)
DAMAGED: Final = Gauge(
    "seamark_store_damaged_parts",
    "Parts that are lost or cannot be read, and days whose rows are not all there, until repaired.",
    ("table",),
)
