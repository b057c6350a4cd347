"""Parts of the embedded store that are removed, cut short or changed: it notices, and says so."""

import itertools
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seamark.standalone.store.parts.inventory import Inventory
from tests.damage.parts import HARM, insert_events, part_folders, provision
from tests.support.store_server import StoreServer, authorization
from tests.support.until import until

pytestmark = pytest.mark.integration
ROWS = 60
DAY_MS = 86_400_000
DAYS = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    folder = tmp_path_factory.mktemp("store") / "data"
    with StoreServer(folder, fsync="false", check_seconds="0.3") as store:
        provision(store)
        yield store


@dataclass(frozen=True)
class Day:
    """A day of events of its own in the store, so in a part of its own."""

    store: StoreServer
    at_ms: int

    @property
    def partition(self) -> str:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).date().isoformat()

    @property
    def folder(self) -> Path:
        [found] = part_folders("events", self.store.rows, self.partition)
        return found

    def lost(self) -> list[list[str]]:
        """What the store says of it."""
        return self.store.rows(
            "SELECT what, rows FROM seamark.damaged_parts FINAL WHERE table = 'events'"
            f" AND partition = '{self.partition}' AND repaired_at = 0"
        )


@pytest.fixture
def day(running: StoreServer) -> Day:
    made = Day(running, time.time_ns() // 1_000_000 - next(DAYS) * DAY_MS)
    insert_events(running, ROWS, at_ms=made.at_ms)
    wanted = "events", made.folder.name
    until(lambda: wanted in {(part.table, part.name) for part in written(running).parts})
    return made


def written(store: StoreServer) -> Inventory:
    """The inventory on disk; empty before the first is there."""
    return Inventory.read(store.folder / "parts.json") or Inventory()


def damaged(store: StoreServer, table: str) -> float:
    """What its metric says."""
    text = store.request("GET", "/metrics", headers=authorization()).body.decode()
    name = f'seamark_store_damaged_parts{{table="{table}"}}'
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_part_of_a_running_store_is_named(day: Day, harm: str) -> None:
    before = damaged(day.store, "events")
    HARM[harm](day.folder)
    assert until(day.lost, seconds=60) == [["unreadable", str(ROWS)]]
    until(lambda: damaged(day.store, "events") == before + 1, seconds=20)
    of_day = f"toDate(received_at) = '{day.partition}'"
    assert day.store.rows(f"SELECT sum(value) FROM seamark.events WHERE {of_day}") == [["\\N"]]


@pytest.mark.parametrize("harm", ["cut", "removed"])
def test_a_part_damaged_while_the_store_was_down_is_named_at_start(day: Day, harm: str) -> None:
    folder = day.folder
    day.store.kill()
    HARM[harm](folder)
    day.store.start()
    assert day.lost() == [["missing", str(ROWS)]]
    day.store.stop()
    day.store.start()
    assert day.lost() == [["missing", str(ROWS)]]


def test_rows_that_no_inventory_knew_are_missed_by_the_ledger(day: Day) -> None:
    folder = day.folder
    day.store.kill()
    (day.store.folder / "parts.json").unlink()
    shutil.rmtree(folder)
    day.store.start()
    assert until(day.lost, seconds=90) == [["counts", str(ROWS)]]


def test_what_a_statement_removes_is_not_damage(day: Day) -> None:
    for statement in (
        "TRUNCATE TABLE seamark.receipts",
        "OPTIMIZE TABLE seamark.events_1m FINAL",
        "DROP TABLE seamark.events_1d SYNC",
    ):
        assert day.store.ask(statement).status == 200
    day.store.kill()
    day.store.start()
    for table in ("receipts", "events_1m", "events_1d"):
        assert damaged(day.store, table) == 0
