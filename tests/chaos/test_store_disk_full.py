"""The store on a full disk: an insert that failed says so, and its retry makes it whole.

In every table: one whose token stands in its deduplication log while its part was never written
drops the retry, and a merge that met the full disk may leave a part with empty files. So the store
begins anew once it has found its disk full, and what begins is checked.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, DiskMissing
from tests.store_server import Answer, StoreServer

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow]
ROUNDS = 12
ROWS = 2000
WINDOW = "SETTINGS non_replicated_deduplication_window = 20"
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
MIB = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        made = Disk(tmp_path / "disk", size_bytes=192 * MIB)
    except DiskMissing as missing:
        pytest.skip(str(missing))
    yield made
    made.unmount()


def insert(store: StoreServer, batch: int) -> Answer:
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
            store.start()  # its supervisor would
        assert store.process is not None
        try:
            answer = insert(store, batch)
        except OSError:
            store.process.wait(20)  # it is ending, to begin anew
            continue
        if answer.status == 200:
            return
        if answer.status == 503:
            store.process.wait(20)
    raise AssertionError(f"batch {batch} was never taken\n{store.log.read_text()[-2000:]}")


def test_an_insert_that_met_a_full_disk_is_made_whole_by_its_retry(
    disk: Disk, tmp_path: Path
) -> None:
    chance = random.Random(3)
    store = StoreServer(disk.path / "store")
    store.log = tmp_path / "store.log"  # not on the disk that is full
    failed = 0
    with store:
        for sql in TABLES:
            assert store.ask(sql).status == 200
        for batch in range(ROUNDS):
            disk.fill(leave_bytes=chance.randrange(40 * 1024))
            try:
                failed += insert(store, batch).status != 200
            except OSError:
                failed += 1
            disk.free()
            insert_until_taken(store, batch)
        counts = {
            table: {int(b): int(c) for b, c in store.rows(f"SELECT b, {c} FROM {table} GROUP BY b")}
            for table, c in (
                ("seamark.base", "count()"),
                ("seamark.by_day", "sum(c)"),
                ("seamark.total", "sum(c)"),
            )
        }
    assert failed > ROUNDS // 4
    wrong = {
        table: {b: found.get(b, 0) for b in range(ROUNDS) if found.get(b, 0) != ROWS}
        for table, found in counts.items()
    }
    assert wrong == {table: {} for table in counts}
