"""The store on a full disk: an insert that failed says so, and its retry makes it whole.

In every table: one whose token stands in its deduplication log while its part was never written
drops the retry, and an insert or a merge that met the full disk leaves a part with empty files,
of which the engine says nothing. So the store begins anew, and what begins is checked.
"""

import random
import shutil
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.chaos.disk import Disk
from tests.chaos.token_inserts import TABLES, begun_anew, insert, insert_until_taken, wrong
from tests.support.store_server import Answer, StoreServer

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow]
WITHIN = 12
"""So many inserts have to meet the full disk in their middle; when each does is chance."""
MOST_ROUNDS = 200
MIB = 1024 * 1024
DISK_BYTES = 192 * MIB
ROOM_BYTES = 4 * MIB
"""Left when an insert begins: the engine reserves 1 MiB for a part, and begins."""
INSERT_BYTES = 300 * 1024
"""What an insert with its views takes of the disk, about."""
NOT_ENOUGH_SPACE = "243"


def on_it(disk: Disk, **settings: str) -> StoreServer:
    store = StoreServer(disk.path / "store", **settings)
    store.log = disk.path.with_name("store.log")  # not on the disk that is full
    return store


def with_tables(store: StoreServer) -> None:
    for sql in TABLES:
        assert store.ask(sql).status == 200


def filled_under_way(disk: Disk, running: "Future[Answer]", *, after_bytes: int, leave: int) -> str:
    """Take the rest of the disk once `after_bytes` more of it are in use. What came of it:
    "taken", "before" when nothing had been written, else "within"."""
    before = shutil.disk_usage(disk.path).free
    while not running.done() and before - shutil.disk_usage(disk.path).free < after_bytes:
        pass
    disk.fill(leave_bytes=leave)
    try:
        answer = running.result()
    except OSError:
        return "within"
    if answer.status == 200:
        return "taken"
    in_a_view = b"while pushing to view" in answer.body
    return "before" if answer.code == NOT_ENOUGH_SPACE and not in_a_view else "within"


def test_an_insert_that_met_a_full_disk_is_completed_by_its_retry(disk: Disk) -> None:
    """The room is taken away in the middle of inserts and merges, nothing being kept free."""
    chance = random.Random(3)
    outcomes: list[str] = []
    with (
        on_it(disk, disk_keep_bytes="0") as store,
        ThreadPoolExecutor(2) as threads,
    ):
        with_tables(store)
        while outcomes.count("within") < WITHIN:
            batch = len(outcomes)
            assert batch < MOST_ROUNDS, outcomes
            disk.fill(leave_bytes=ROOM_BYTES)
            if batch % 3 == 2:
                table = chance.choice(("base", "by_day", "total"))
                threads.submit(store.ask, f"OPTIMIZE TABLE seamark.{table} FINAL")
            outcome = filled_under_way(
                disk,
                threads.submit(insert, store, batch),
                after_bytes=chance.randrange(INSERT_BYTES),
                leave=chance.randrange(16 * 1024),
            )
            outcomes.append(outcome)
            disk.free()
            insert_until_taken(store, batch)
        begun_anew(store)
        assert wrong(store, len(outcomes)) == {}


def test_what_would_need_the_room_that_is_kept_is_refused_before_it_begins(disk: Disk) -> None:
    with on_it(disk) as store:
        with_tables(store)
        insert_until_taken(store, 0)
        disk.fill(leave_bytes=48 * MIB)
        for _ in range(3):
            assert insert(store, 1).code == NOT_ENOUGH_SPACE
        assert store.rows("SELECT uniqExact(b) FROM seamark.base") == [["1"]]  # it still answers
        disk.free()
        assert insert(store, 1).status == 200
        assert wrong(store, 2) == {}
        assert store.process is not None
        assert store.process.poll() is None  # and was never started anew


def test_a_store_that_begins_on_a_full_disk_answers_questions_until_there_is_room(
    disk: Disk,
) -> None:
    with on_it(disk) as store:
        with_tables(store)
        insert_until_taken(store, 0)
    disk.fill(leave_bytes=MIB)
    with on_it(disk) as store:
        for _ in range(3):
            assert insert(store, 1).code == NOT_ENOUGH_SPACE
            assert store.rows("SELECT uniqExact(b) FROM seamark.base") == [["1"]]
        disk.free()
        assert insert(store, 1).status == 200
        assert wrong(store, 2) == {}
        assert store.process is not None
        assert store.process.poll() is None
