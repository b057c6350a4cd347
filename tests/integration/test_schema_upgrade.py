"""A made-up next migration on a store in use: tokens mean the same before, after, after a restart.

The engine derives the tokens of a view otherwise once its query was modified, until the view is
opened again; a migration that does not reopen it doubles blocks that are retried across a restart
(provisioning/clickhouse/README.md).
"""

import shutil
from pathlib import Path

import msgspec
import pytest
import zstandard

from provisioning.clickhouse.migrate import FOLDER, MigrationError, migrate, read_migrations
from provisioning.clickhouse.variant import Variant
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal
from tests.support.store_server import Answer, StoreServer

pytestmark = pytest.mark.integration
RECEIVED_NS = 1_795_316_640_123_456_789
EACH = 5
TABLES = {
    "events": "count()",
    "events_1m": "sum(rows)",
    "events_1h": "sum(rows)",
    "events_1d": "sum(rows)",
    "ledger": "sum(accepted)",
}
NEXT = """-- A column more, and the view that fills it.
ALTER TABLE {database}.ledger {on_cluster}
    ADD COLUMN IF NOT EXISTS twice SimpleAggregateFunction(sum, UInt64);

ATTACH TABLE IF NOT EXISTS {database}.ledger_stored_events_view {on_cluster};

ALTER TABLE {database}.ledger_stored_events_view {on_cluster} MODIFY QUERY
SELECT
    org, app, 'events' AS signal, toStartOfMinute(toDateTime(r.received_at, 'UTC')) AS minute,
    key_id, count() AS stored, 2 * count() AS twice
FROM {database}.events AS r
GROUP BY org, app, signal, minute, key_id;

DETACH TABLE IF EXISTS {database}.ledger_stored_events_view {on_cluster};

ATTACH TABLE IF NOT EXISTS {database}.ledger_stored_events_view {on_cluster};
"""


class Commands:
    """A store process as the runner of migrations sees it."""

    def __init__(self, store: StoreServer) -> None:
        self._store = store

    def command(self, sql: str) -> object:
        """Run a statement."""
        return self._store.rows(sql)

    def rows(self, sql: str) -> list[list[str]]:
        """Run a query and return its rows, as text."""
        return self._store.rows(sql)


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


def apply(store: StoreServer, folder: Path) -> list[str]:
    """Names of the migrations that were applied."""
    applied = migrate(Commands(store), variant=Variant.EMBEDDED, folder=folder)
    return [migration.file_name for migration in applied]


def test_a_block_counts_once_across_a_migration_and_restarts(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    released = [migration.file_name for migration in read_migrations(folder)]
    number = len(released) + 1
    with StoreServer(tmp_path / "data", fsync="false") as store:
        assert apply(store, folder) == released
        assert insert(store, 1).status == 200

        (folder / f"{number:04d}_next.sql").write_text(NEXT)
        assert apply(store, folder) == [f"{number:04d}_next.sql"]
        for expected in (1, 2):
            for block in (1, 2)[:expected]:
                assert insert(store, block).status == 200
            assert counted(store) == [expected * EACH] * len(TABLES)

        for _ in range(2):
            assert store.stop() == 0
            store.start()
            for block in (1, 2):
                assert insert(store, block).status == 200
            assert counted(store) == [2 * EACH] * len(TABLES)
        sums = store.rows("SELECT sum(stored), sum(twice) FROM seamark.ledger")
        assert sums == [[str(2 * EACH), str(2 * EACH)]]
        assert apply(store, folder) == []

        changed = folder / "schema" / "events.sql"
        changed.write_text(changed.read_text() + "-- a word\n")
        with pytest.raises(MigrationError, match=r"0001_baseline\.sql was changed"):
            apply(store, folder)
