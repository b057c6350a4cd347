"""Processes of test_crash_points.py: they own the engine, and some of them die of it.

python -m tests.chaos.crash_child prepare FOLDER       tables, and batch 0
python -m tests.chaos.crash_child insert FOLDER POINT  batch 1, killed at POINT; prints the points
python -m tests.chaos.crash_child retry FOLDER...      batch 1 twice more; prints counts as JSON
"""

import ctypes
import json
import sys
from pathlib import Path
from typing import Final

import msgspec

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.standalone.store.engine import Handle, StoreEngine, open_engine
from seamark.standalone.store.folder import StoreFolder
from seamark.standalone.store.settings import StoreServerSettings
from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal
from tests.support.schema_store import PROTO

RECEIVED_NS: Final = 1_795_316_640_000_000_000
DAY_NS: Final = 86_400_000_000_000
EVENTS_EACH: Final = 500
ERRORS_EACH: Final = 50
COUNTED: Final = {
    "count() FROM seamark.events": 3 * EVENTS_EACH,
    "sum(rows) FROM seamark.events_1m": 3 * EVENTS_EACH,
    "sum(rows) FROM seamark.events_1h": 3 * EVENTS_EACH,
    "sum(rows) FROM seamark.events_1d": 3 * EVENTS_EACH,
    "sum(accepted) FROM seamark.ledger": 3 * EVENTS_EACH,
    "sum(stored) FROM seamark.ledger": 3 * EVENTS_EACH,
    "count() FROM seamark.receipts": 3,
    "count() FROM seamark.dead_letters": 2,
    "count() FROM seamark.dead_letter_replays": EVENTS_EACH,
    "count() FROM seamark.errors": 3 * ERRORS_EACH,
    "sum(events) FROM seamark.visits_15m": 3 * EVENTS_EACH,
    "sum(rows) FROM seamark.late_rows": 3 * EVENTS_EACH,
}
"""What a batch has to be found as, once, in every table that events reach."""
PARTS: Final = 2 + 3 + 2 + 2 + 1 + 1 + 2 + 2 + 1
"""Parts that one batch makes: two days of events and of receipts, three rollups, the ledger of what
was claimed and of what was stored, dead letters, replays, two days of errors and of visits,
late rows (the batch is of a day long past)."""


def opened(path: Path) -> StoreEngine:
    folder = StoreFolder(path)
    folder.hold().close()  # nobody else is here, and the next folder needs its own lock
    folder.prepare(StoreServerSettings(fsync=False))  # a kill leaves the page cache alone
    return open_engine(folder)


def envelope(
    batch: int, number: int, *, key: str = "k1", day: int = 0, dead_letters: int = 0
) -> bytes:
    """One envelope of a batch; a batch is an org, so that it can be told from the others."""
    events = [
        {
            "id": f"018f0000-0000-4000-8000-{n:012d}",
            "ts": RECEIVED_NS // 10**6,
            "name": "exception" if n < ERRORS_EACH else "a",
            "sessionId": f"s{n % 7}",
        }
        for n in range(EVENTS_EACH)
    ]
    return encode_envelope(
        Sender(org=f"b{batch}", app="shop", key_id=key).encode(),
        receipt=f"018f0000-0000-7000-8000-{number:012d}",
        received_ns=RECEIVED_NS + day * DAY_NS,
        sent_ms=RECEIVED_NS // 10**6 + day * DAY_NS // 10**6,
        outcome=Outcome(EVENTS_EACH + dead_letters, EVENTS_EACH, {"malformed": dead_letters}),
        signal=Signal.EVENTS,
        body=msgspec.json.encode(events),
        dead_letters=[DeadLetter(n, "malformed", "", "", b"{}") for n in range(dead_letters)],
    )


def insert(handle: Handle, batch: int) -> None:
    settings = dict(INSERT_SETTINGS) | {
        "format_schema": f"{PROTO}:Envelope",
        "insert_deduplication_token": f"batch-{batch}",
    }
    listed = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
    envelopes = (
        envelope(batch, 1, dead_letters=2),
        envelope(batch, 2, day=1),
        envelope(batch, 3, key="replay"),
    )
    block = b"".join(envelopes)
    handle.insert(
        "INSERT INTO seamark.in_events", "Protobuf", (block,), settings=f"SETTINGS {listed}"
    )


def counts(handle: Handle, batch: int) -> list[int]:
    columns = ", ".join(f"(SELECT {table} WHERE org = 'b{batch}')" for table in COUNTED)
    return [int(text) for text in handle.run(f"SELECT {columns}").data.split()]


def prepare(path: Path) -> None:
    engine = opened(path)
    handle = engine.handle()
    handle.run("CREATE DATABASE seamark ENGINE = Atomic")
    values = placeholders(Variant.EMBEDDED, database="seamark")
    for file in read_migrations():
        for sql in statements(file.text, values):
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
