"""Batches under tokens into a table and the views behind it, sent again until they are taken."""

from typing import Final

from tests.support.store_server import Answer, StoreServer

ROWS: Final = 2000
_WINDOW: Final = "SETTINGS non_replicated_deduplication_window = 20"
TABLES: Final = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    "CREATE TABLE seamark.base (b UInt32, id UInt64, day Date) ENGINE = MergeTree"
    f" PARTITION BY day ORDER BY (b, id) {_WINDOW}",
    "CREATE TABLE seamark.by_day (b UInt32, day Date, c UInt64) ENGINE = SummingMergeTree"
    f" PARTITION BY day ORDER BY (b, day) {_WINDOW}",
    "CREATE TABLE seamark.total (b UInt32, c UInt64) ENGINE = SummingMergeTree ORDER BY b"
    f" {_WINDOW}",
    "CREATE MATERIALIZED VIEW seamark.to_by_day TO seamark.by_day AS"
    " SELECT b, day, count() AS c FROM seamark.base GROUP BY b, day",
    "CREATE MATERIALIZED VIEW seamark.to_total TO seamark.total AS"
    " SELECT b, count() AS c FROM seamark.base GROUP BY b",
)
_ENDING_SECONDS: Final = 60


def insert(store: StoreServer, batch: int) -> Answer:
    """One batch of ROWS rows in three partitions. OSError when the store is not there."""
    rows = b"".join(b"%d,%d,2026-01-0%d\n" % (batch, i, i % 3 + 1) for i in range(ROWS))
    return store.insert(
        "INSERT INTO seamark.base FORMAT CSV",
        rows,
        insert_deduplication_token=f"batch-{batch}",
        deduplicate_blocks_in_dependent_materialized_views="1",
    )


def insert_until_taken(store: StoreServer, batch: int) -> None:
    """As the processor does it: again until it is taken, over restarts of the store."""
    for _ in range(20):
        if store.process is None or store.process.poll() is not None:
            store.start(within_seconds=_ENDING_SECONDS)  # its supervisor would
        assert store.process is not None
        try:
            answer = insert(store, batch)
        except OSError:
            store.process.wait(_ENDING_SECONDS)  # it is ending, to begin anew
            continue
        if answer.status == 200:
            return
        if answer.status == 503:
            store.process.wait(_ENDING_SECONDS)
    raise AssertionError(f"batch {batch} was never taken\n{store.log.read_text()[-2000:]}")


def begun_anew(store: StoreServer) -> None:
    """End the store, if it has not ended by itself, and start it."""
    store.stop(within_seconds=_ENDING_SECONDS)
    store.start(within_seconds=_ENDING_SECONDS)


def wrong(store: StoreServer, batches: int) -> dict[str, dict[int, int]]:
    """By table, the batches below `batches` that are not there exactly once, and their rows."""
    found: dict[str, dict[int, int]] = {}
    for table, count in (("base", "count()"), ("by_day", "sum(c)"), ("total", "sum(c)")):
        rows = store.rows(f"SELECT b, {count} FROM seamark.{table} GROUP BY b")
        counts = dict.fromkeys(range(batches), 0) | {int(b): int(c) for b, c in rows}
        off = {batch: n for batch, n in counts.items() if n != ROWS}
        if off:
            found[table] = off
    return found
