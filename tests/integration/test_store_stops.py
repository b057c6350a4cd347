"""The embedded store when a client goes away, and when it is told to stop."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.store_server import StoreServer, authorization
from tests.support.until import until

pytestmark = pytest.mark.integration

FOREVER = "SELECT sum(cityHash64(number, number + 1)) FROM numbers(1000000000000)"
SLOW_INSERT = (
    "INSERT INTO base SELECT 1, number, toDate(0) FROM numbers(10) WHERE sleepEachRow(0.1) = 0"
)
TABLES = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    "CREATE TABLE seamark.base (b UInt32, id UInt64, day Date) ENGINE = MergeTree ORDER BY (b, id)",
)


def running(store: StoreServer, like: str) -> int:
    """Statements in the engine whose text begins so, the question itself excepted."""
    [[count]] = store.rows(
        f"SELECT count() FROM system.processes WHERE startsWith(query, '{like}')",
    )
    return int(count)


@contextmanager
def asking(store: StoreServer, sql: str) -> Iterator[http.client.HTTPConnection]:
    """A statement that was sent and whose answer nobody waits for yet."""
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=20)
    try:
        connection.request("POST", "/", sql.encode(), authorization())
        yield connection
    finally:
        connection.close()


def status(connection: http.client.HTTPConnection) -> int:
    """The status of the answer, whose body is read."""
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize(
    "sql", [FOREVER, "SELECT number, toString(number) FROM numbers(1000000000000) FORMAT CSV"]
)
def test_what_a_client_asks_ends_when_it_goes_away(folder: Path, sql: str) -> None:
    with StoreServer(folder) as store:
        with asking(store, sql):
            until(lambda: running(store, sql[:40]) == 1)
            assert store.metric("seamark_store_running") == 1

        until(lambda: store.metric("seamark_store_running") == 0)
        assert running(store, sql[:40]) == 0
        assert store.metric("seamark_store_cancelled_total") == 1


def test_what_a_client_changes_is_finished_without_it(folder: Path) -> None:
    with StoreServer(folder) as store:
        store.run(*TABLES)
        with asking(store, SLOW_INSERT):
            until(lambda: running(store, "INSERT INTO base") == 1)

        until(lambda: store.metric("seamark_store_running") == 0)
        assert store.rows("SELECT count() FROM base") == [["10"]]


def test_a_stop_kills_questions_and_lets_inserts_finish(folder: Path) -> None:
    with StoreServer(folder) as store:
        store.run(*TABLES)
        with asking(store, FOREVER) as question, asking(store, SLOW_INSERT) as insertion:
            until(lambda: running(store, "INSERT INTO base") == 1)
            until(lambda: running(store, FOREVER[:40]) == 1)
            started = time.monotonic()

            assert store.stop() == 0, store.log.read_text()
            assert 0.3 < time.monotonic() - started < 5
            assert status(question) == 500
            assert status(insertion) == 200
    with StoreServer(folder) as store:
        assert store.rows("SELECT count() FROM base") == [["10"]]


def test_a_stop_does_not_wait_for_ever(folder: Path) -> None:
    with StoreServer(folder, stop_seconds="0.3") as store:
        store.run(*TABLES)
        with asking(store, f"INSERT INTO base (id) {FOREVER}") as end:
            until(lambda: running(store, "INSERT INTO base") == 1)

            assert store.stop() == 0, store.log.read_text()
            assert status(end) == 500


def test_an_idle_store_stops_at_once(folder: Path) -> None:
    with StoreServer(folder) as store, asking(store, "SELECT 1") as idle:
        assert status(idle) == 200
        started = time.monotonic()

        assert store.stop() == 0
        assert time.monotonic() - started < 3
        assert '"level":"error"' not in store.log.read_text()
