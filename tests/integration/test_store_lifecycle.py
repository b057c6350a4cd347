"""The embedded store when it starts: after a crash, beside another, wrongly set; and its memory."""

import http.client
import json
import os
import random
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.support.store_server import StoreServer
from tests.support.until import until

pytestmark = pytest.mark.integration

WINDOW = "SETTINGS non_replicated_deduplication_window = 1000"
TABLES = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    "CREATE TABLE seamark.base (b UInt32, id UInt64, day Date) ENGINE = MergeTree"
    f" PARTITION BY day ORDER BY (b, id) {WINDOW}",
    f"CREATE TABLE seamark.roll (b UInt32, c UInt64) ENGINE = SummingMergeTree ORDER BY b {WINDOW}",
    "CREATE MATERIALIZED VIEW seamark.to_roll TO seamark.roll AS"
    " SELECT b, count() AS c FROM seamark.base GROUP BY b",
)
ROWS = 2000


def rows_of(batch: int) -> bytes:
    days = ("1970-01-01", "1970-01-02", "1970-01-03")
    return b"".join(b"%d,%d,%s\n" % (batch, i, days[i % 3].encode()) for i in range(ROWS))


def insert(store: StoreServer, batch: int) -> bool:
    """Insert a batch under its token; whether it was acknowledged."""
    try:
        answer = store.insert(
            "INSERT INTO seamark.base FORMAT CSV",
            rows_of(batch),
            insert_deduplication_token=f"batch-{batch}",
            deduplicate_blocks_in_dependent_materialized_views="1",
        )
    except (OSError, http.client.HTTPException):
        return False
    assert answer.status == 200, answer.body
    return True


@pytest.mark.chaos
def test_ten_kills_during_inserts_neither_lose_nor_double(folder: Path) -> None:
    chance = random.Random(7)
    batch = 0
    store = StoreServer(folder, fsync="false")  # a kill leaves the page cache alone
    with store:
        store.run(*TABLES)
    for _ in range(10):
        with store:
            assert insert(store, batch), "the batch whose fate was unknown must be taken"
            process = store.process
            assert process is not None
            for _ in range(chance.randint(1, 3)):
                batch += 1
                assert insert(store, batch)
            delay = chance.uniform(0, 0.05)
            threading.Timer(delay, os.kill, (process.pid, signal.SIGKILL)).start()
            batch += 1
            while insert(store, batch):
                batch += 1
            process.wait(10)
    with store:
        assert insert(store, batch)
        per_batch = store.rows("SELECT b, count() FROM seamark.base GROUP BY b ORDER BY b")
        rolled = store.rows("SELECT b, sum(c) FROM seamark.roll GROUP BY b ORDER BY b")

    assert batch >= 20
    assert per_batch == rolled == [[str(b), str(ROWS)] for b in range(batch + 1)]


def test_a_start_takes_out_records_of_parts_that_never_came_to_be(folder: Path) -> None:
    with StoreServer(folder) as store:
        store.run(*TABLES)
        assert insert(store, 0)
        store.stop()
        log = next((folder / "engine").glob("store/*/*/deduplication_logs/*.txt"))
        with log.open("ab") as file:
            file.write(b"1\tall_99_99_0\tall_1_2\n1\tall_9")

        store.start()

        assert store.metric("seamark_store_repaired_records") == 1
        assert '"parts":["all_99_99_0"],"unreadable":1' in store.log.read_text()
        assert b"all_99" not in log.read_bytes()
        assert insert(store, 0)
        assert store.rows("SELECT count() FROM seamark.base") == [[str(ROWS)]]


def test_a_second_store_on_the_folder_names_the_process_that_has_it(folder: Path) -> None:
    with StoreServer(folder) as first:
        second = StoreServer(folder)
        second.log = folder.with_name("second.log")

        assert second.launch().wait(20) == 2
        [line] = [json.loads(text) for text in second.log.read_text().splitlines()][1:]
        assert first.process is not None
        assert line["message"] == (
            f"the store's data in {folder} is in use by process {first.process.pid}: "
            "stop that, or set SEAMARK_STORE_SERVER_PATH to another folder"
        )
        assert first.rows("SELECT 1") == [["1"]]


def test_a_port_in_use_is_reported(folder: Path) -> None:
    with StoreServer(folder) as store, socket.socket() as taken:
        store.stop()
        taken.bind(("127.0.0.1", store.port))
        taken.listen()

        assert store.launch().wait(20) == 2
        assert '"message":"cannot listen"' in store.log.read_text()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"host": "0.0.0.0", "password": ""}, "SEAMARK_STORE_SERVER_PASSWORD is needed"),
        ({"tls_cert": "/nowhere.pem"}, "give both or neither"),
        ({"tls_cert": "/nowhere.pem", "tls_key": "/nowhere.pem"}, "/nowhere.pem"),
        ({"threads": "none"}, "SEAMARK_STORE_SERVER_THREADS: 'none' is not a number"),
    ],
)
def test_wrong_settings_end_it_at_once(folder: Path, settings: dict[str, str], told: str) -> None:
    store = StoreServer(folder, **settings)

    assert store.launch().wait(20) == 2
    assert told in store.log.read_text()
    assert not folder.exists()


def test_numbers_about_itself(folder: Path) -> None:
    with StoreServer(folder) as store:
        store.run(*TABLES)
        assert insert(store, 0)
        store.ask("SELEC 1")
        text = store.own_metrics()
        refused = store.request("GET", "/metrics")

    assert "seamark_store_inserts_total 1.0" in text
    assert (refused.status, b"seamark" in refused.body) == (401, False)
    assert 'seamark_store_errors_total{code="62"} 1.0' in text
    assert "seamark_store_insert_seconds_count 1.0" in text


def test_memory_and_handles_do_not_grow_with_inserts(folder: Path) -> None:
    def resident_mb(pid: int) -> float:
        status = Path(f"/proc/{pid}/status")
        if not status.exists():
            pytest.skip("needs /proc")
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    with StoreServer(folder, fsync="false") as store:
        store.run(*TABLES)
        assert store.process is not None
        pid = store.process.pid
        assert resident_mb(pid) < 400
        for batch in range(60):
            assert insert(store, batch % 7)  # retries: the engine does the work, nothing is kept
        before = resident_mb(pid)
        files = len(os.listdir(f"/proc/{pid}/fd"))
        for batch in range(150):
            assert insert(store, batch % 7)

        assert resident_mb(pid) - before < 40
        # a merge that runs now holds the files of its parts; they are given back after it
        until(lambda: len(os.listdir(f"/proc/{pid}/fd")), lambda now: now <= files + 10)
