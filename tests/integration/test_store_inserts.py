"""Blocks of the log into the embedded store: joined zstd frames of envelopes, tokens, damage."""

import threading
import time
from collections.abc import Iterator

import pytest
import zstandard

from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal
from tests.support.store_server import Answer, StoreServer

pytestmark = pytest.mark.integration

WINDOW = "SETTINGS non_replicated_deduplication_window = 1000"
TABLES = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    "CREATE TABLE seamark.in_events (org String, receipt String, events_json String) ENGINE = Null",
    "CREATE TABLE seamark.events (org String, name String) ENGINE = MergeTree ORDER BY name"
    f" {WINDOW}",
    "CREATE TABLE seamark.by_name (name String, c UInt64) ENGINE = SummingMergeTree ORDER BY name"
    f" {WINDOW}",
    "CREATE MATERIALIZED VIEW seamark.to_events TO seamark.events AS SELECT org,"
    " arrayJoin(JSONExtract(events_json, 'Array(Tuple(name String))')).1 AS name"
    " FROM seamark.in_events",
    "CREATE MATERIALIZED VIEW seamark.to_by_name TO seamark.by_name AS SELECT name, count() AS c"
    " FROM seamark.events GROUP BY name",
)
SENDER = Sender("acme", "shop").encode()


def frame(*names: str) -> bytes:
    """One zstd frame with one envelope of events."""
    events = ",".join(f'{{"name":"{name}"}}' for name in names)
    return zstandard.ZstdCompressor(level=1).compress(
        encode_envelope(
            SENDER,
            receipt="00000000-0000-7000-8000-000000000000",
            received_ns=time.time_ns(),
            sent_ms=None,
            outcome=Outcome(len(names), len(names)),
            signal=Signal.EVENTS,
            body=f"[{events}]".encode(),
        )
    )


def insert(store: StoreServer, block: bytes, token: str) -> Answer:
    return store.insert(
        "INSERT INTO seamark.in_events FORMAT Protobuf",
        block,
        encoding="zstd",
        insert_deduplication_token=token,
        deduplicate_blocks_in_dependent_materialized_views="1",
        format_schema="seamark_envelope:Envelope",
    )


def counts(store: StoreServer) -> tuple[int, int]:
    """Events in the table, and events by its rollup."""
    [[raw, rolled]] = store.rows(
        "SELECT (SELECT count() FROM seamark.events), (SELECT sum(c) FROM seamark.by_name)"
    )
    return int(raw), int(rolled)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    limits = {"max_unpacked_bytes": "8000000"}
    with StoreServer(tmp_path_factory.mktemp("store") / "data", **limits) as server:
        for sql in TABLES:
            assert server.ask(sql).status == 200
        yield server


@pytest.fixture(autouse=True)
def _empty(store: StoreServer) -> None:
    store.rows("TRUNCATE TABLE seamark.events")
    store.rows("TRUNCATE TABLE seamark.by_name")


def test_every_frame_of_a_block_is_read(store: StoreServer) -> None:
    block = b"".join(frame(f"a{i}", f"b{i}") for i in range(3000))

    answer = insert(store, block, "every")

    assert answer.status == 200, answer.body
    assert '"written_rows": "' in answer.headers["X-ClickHouse-Summary"]
    assert counts(store) == (6000, 6000)


def test_the_same_token_counts_once(store: StoreServer) -> None:
    block = frame("a") + frame("b", "c")

    statuses = [insert(store, block, token).status for token in ("t1", "t1", "t2", "t1")]

    assert statuses == [200] * 4
    assert counts(store) == (6, 6)


@pytest.mark.parametrize("cut", [1, 4, 20, 60])
def test_a_block_cut_short_is_refused_whole(store: StoreServer, cut: int) -> None:
    last = frame(*(f"n{i}" for i in range(50)))
    block = frame("a") + last[:-cut]

    answer = insert(store, block, f"cut{cut}")

    assert (answer.status, answer.code) == (400, "33")
    assert b"cut short" in answer.body or b"Cannot decompress" in answer.body
    assert counts(store) == (0, 0)
    assert insert(store, frame("a") + last, f"cut{cut}").status == 200
    assert counts(store) == (51, 51)


def test_bytes_that_are_no_envelope_are_refused(store: StoreServer) -> None:
    answer = insert(store, zstandard.ZstdCompressor().compress(b"\xff" * 100), "garbage")

    assert answer.code in ("444", "33")
    assert b"Protobuf" in answer.body
    assert counts(store) == (0, 0)


def test_a_bomb_is_refused(store: StoreServer) -> None:
    bomb = zstandard.ZstdCompressor().compress(b"\0" * 9_000_000)

    answer = insert(store, bomb, "bomb")

    assert (answer.status, answer.code) == (413, "290")


def test_slow_questions_do_not_keep_inserts_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("store") / "data"
    with StoreServer(folder, threads="1", insert_threads="1") as store:
        for sql in TABLES:
            store.ask(sql)
        question = threading.Thread(target=store.ask, args=("SELECT sleep(2)",))
        question.start()
        while store.metric("seamark_store_running") == 0:
            pass
        started = time.monotonic()

        assert insert(store, frame("a"), "beside").status == 200
        assert time.monotonic() - started < 1.5
        question.join()
