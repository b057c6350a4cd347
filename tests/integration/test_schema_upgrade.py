"""An older store is brought up to date: tokens mean the same before, after, and after a restart.

The engine derives the tokens of a view otherwise once its query was modified, until the view is
opened again; a migration that forgets that doubles the blocks that are retried across a restart.
"""

from pathlib import Path

import msgspec
import pytest
import zstandard

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.variant import Variant, placeholders, statements
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal
from tests.support.store_server import Answer, StoreServer

pytestmark = pytest.mark.integration
BEFORE = 8
"""The newest migration of the release before."""
RECEIVED_NS = 1_795_316_640_123_456_789
EACH = 5
TABLES = {
    "events": "count()",
    "events_1m": "sum(rows)",
    "events_1h": "sum(rows)",
    "events_1d": "sum(rows)",
    "ledger": "sum(accepted)",
}


def insert(store: StoreServer, number: int) -> Answer:
    events = [{"ts": RECEIVED_NS // 10**6, "name": "a"}] * EACH
    envelope = encode_envelope(
        Sender(org="acme", app="shop", key_id="k1").encode(),
        receipt=f"018f0000-0000-7000-8000-{number:012d}",
        received_ns=RECEIVED_NS,
        sent_ms=None,
        outcome=Outcome(EACH, EACH),
        signal=Signal.EVENTS,
        body=msgspec.json.encode(events),
    )
    return store.insert(
        "INSERT INTO seamark.in_events FORMAT Protobuf",
        zstandard.compress(envelope),
        encoding="zstd",
        insert_deduplication_token=f"block-{number}",
        **INSERT_SETTINGS,
    )


def counted(store: StoreServer) -> list[int]:
    columns = ", ".join(f"(SELECT {what} FROM seamark.{table})" for table, what in TABLES.items())
    return [int(text) for text in store.rows(f"SELECT {columns}")[0]]


def test_a_block_counts_once_across_upgrade_and_restarts(tmp_path: Path) -> None:
    values = placeholders(Variant.EMBEDDED, database="seamark")
    files = read_migrations()
    store = StoreServer(tmp_path / "data", fsync="false").start()
    try:
        store.rows("CREATE DATABASE seamark ENGINE = Atomic")
        for file in files[:BEFORE]:
            for statement in statements(file.text, values):
                store.rows(statement)
        assert insert(store, 1).status == 200

        for file in files[BEFORE:]:
            for statement in statements(file.text, values):
                store.rows(statement)
                if "DETACH TABLE" in statement:  # nothing may go past a view that is closed
                    refused = insert(store, 9)
                    assert refused.status != 200
                    assert b"up to date" in refused.body
        for expected in (1, 2):
            for number in (1, 2)[:expected]:
                assert insert(store, number).status == 200
            assert counted(store) == [expected * EACH] * len(TABLES)

        for _ in range(2):
            assert store.stop() == 0
            store.start()
            for number in (1, 2):
                assert insert(store, number).status == 200
            assert counted(store) == [2 * EACH] * len(TABLES)
        stored = store.rows("SELECT sum(stored) FROM seamark.ledger")
        assert stored == [[str(2 * EACH)]]
    finally:
        if store.process is not None:
            store.kill()
