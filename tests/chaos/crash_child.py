"""Processes of test_crash_points.py: they own the engine, and some of them die of it.

python -m tests.chaos.crash_child prepare FOLDER       tables, and batch 0
python -m tests.chaos.crash_child insert FOLDER POINT  batch 1, killed at POINT; prints the points
python -m tests.chaos.crash_child retry FOLDER...      batch 1 twice more; prints counts as JSON
"""

import ctypes
import json
import sys
from pathlib import Path

from seamark.standalone.store.engine import Engine, Handle, open_engine
from seamark.standalone.store.folder import StoreFolder
from seamark.standalone.store.settings import StoreServerSettings

ROWS = 2000
WINDOW = "SETTINGS non_replicated_deduplication_window = 1000"
TABLES = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    "CREATE TABLE seamark.base (b UInt32, id UInt64, day Date) ENGINE = MergeTree"
    f" PARTITION BY day ORDER BY (b, id) {WINDOW}",
    "CREATE TABLE seamark.by_day (b UInt32, day Date, c UInt64) ENGINE = SummingMergeTree"
    f" PARTITION BY day ORDER BY (b, day) {WINDOW}",
    "CREATE TABLE seamark.total (b UInt32, c UInt64) ENGINE = SummingMergeTree ORDER BY b"
    f" {WINDOW}",
    "CREATE MATERIALIZED VIEW seamark.to_by_day TO seamark.by_day AS"
    " SELECT b, day, count() AS c FROM seamark.base GROUP BY b, day",
    "CREATE MATERIALIZED VIEW seamark.to_total TO seamark.total AS"
    " SELECT b, count() AS c FROM seamark.base GROUP BY b",
)
PARTS = 3 + 3 + 1
"""Parts that one batch makes: three days in two tables, and the total."""


def opened(path: Path) -> Engine:
    folder = StoreFolder(path)
    folder.hold().close()  # nobody else is here, and the next folder needs its own lock
    folder.prepare(StoreServerSettings(fsync=False))  # a kill leaves the page cache alone
    return open_engine(folder)


def insert(handle: Handle, batch: int) -> None:
    rows = b"".join(b"%d,%d,2026-01-0%d\n" % (batch, i, i % 3 + 1) for i in range(ROWS))
    handle.insert(
        f"INSERT INTO seamark.base SETTINGS insert_deduplication_token='batch-{batch}', "
        "deduplicate_blocks_in_dependent_materialized_views=1",
        "CSV",
        iter((rows,)),
    )


def counts(handle: Handle, batch: int) -> list[int]:
    tables = (
        "count() FROM seamark.base",
        "sum(c) FROM seamark.by_day",
        "sum(c) FROM seamark.total",
    )
    columns = ", ".join(f"(SELECT {table} WHERE b = {batch})" for table in tables)
    return [int(text) for text in handle.run(f"SELECT {columns}").data.split()]


def prepare(path: Path) -> None:
    engine = opened(path)
    handle = engine.handle()
    for sql in TABLES:
        handle.run(sql)
    insert(handle, 0)
    handle.close()
    engine.close()


def insert_and_die(path: Path, point: int) -> None:
    shim = ctypes.CDLL(None)
    engine = opened(path)
    handle = engine.handle()
    shim.seamark_arm(point)
    insert(handle, 1)
    sys.stdout.write(f"{shim.seamark_disarm()}\n")
    handle.close()
    engine.close()


def retry(path: Path) -> dict[str, list[int]]:
    engine = opened(path)
    handle = engine.handle()
    found = {"crashed": counts(handle, 1)}
    for attempt in ("retried", "again"):
        insert(handle, 1)
        found[attempt] = counts(handle, 1)
    found["untouched"] = counts(handle, 0)
    handle.close()
    engine.close()
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare", path]:
            prepare(Path(path))
        case ["insert", path, point]:
            insert_and_die(Path(path), int(point))
        case ["retry", *paths]:
            sys.stdout.write(json.dumps([retry(Path(path)) for path in paths]))
        case _:
            sys.exit(__doc__)
