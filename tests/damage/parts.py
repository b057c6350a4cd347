"""A store with the schema and rows in it, and the folders that its parts are in."""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal, input_table
from tests.support.store_server import StoreServer


def provision(store: StoreServer) -> None:
    """Put the schema in place."""
    assert store.ask("CREATE DATABASE seamark ENGINE = Atomic").status == 200
    for file in read_migrations():
        values = placeholders(Variant.EMBEDDED, database="seamark")
        for statement in statements(file.text, values):
            assert store.ask(statement).status == 200


def insert_events(store: StoreServer, count: int, *, at_ms: int | None = None) -> None:
    """One request of so many events, as the processor inserts it."""
    at_ms = at_ms or time.time_ns() // 1_000_000
    events = [{"name": "view", "time": at_ms, "value": 1.5} for _ in range(count)]
    frame = encode_envelope(
        Sender(org="acme", app="shop").encode(),
        receipt=str(uuid.uuid4()),
        received_ns=at_ms * 1_000_000,
        sent_ms=None,
        outcome=Outcome(offered=count, accepted=count),
        signal=Signal.EVENTS,
        body=msgspec.json.encode(events),
        weight=1.0,
    )
    answer = store.insert(
        f"INSERT INTO seamark.{input_table(Signal.EVENTS)} FORMAT Protobuf",
        zstandard.ZstdCompressor(level=1).compress(frame),
        encoding="zstd",
        **INSERT_SETTINGS,
    )
    assert answer.status == 200, answer.body


def part_folders(
    table: str, asked: Callable[[str], list[list[str]]], partition: str = ""
) -> list[Path]:
    """Folders of a table's active parts; `asked` puts a statement to the store."""
    found = asked(
        f"SELECT path FROM system.parts WHERE database = 'seamark' AND table = '{table}' AND active"
        f" AND rows > 0 AND ('{partition}' IN ('', partition)) ORDER BY name"
    )
    return [Path(path) for [path] in found]


def cut(folder: Path) -> None:
    """Cut every file of rows in half."""
    for file in folder.glob("*.bin"):
        os.truncate(file, file.stat().st_size // 2)


def change(folder: Path) -> None:
    """Change a byte in the middle of every file of rows."""
    for file in folder.glob("*.bin"):
        held = bytearray(file.read_bytes())
        if held:
            held[len(held) // 2] ^= 0xFF
            file.write_bytes(held)


HARM: Final[Mapping[str, Callable[[Path], None]]] = {
    "cut": cut,
    "removed": shutil.rmtree,
    "changed": change,
}
