"""The schema in the engine itself, inside the test process, for tests of tables and views.

An engine is opened once in a process, on one path, so all tests share it and take a database each.
"""

import atexit
import functools
import itertools
import shutil
import struct
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import chdb
import msgspec
import zstandard
from hypothesis import HealthCheck, Phase, settings

import seamark.wire
from provisioning.clickhouse.migrate import migrate
from provisioning.clickhouse.variant import Variant
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal, input_table

PROTO: Final = Path(seamark.wire.__file__).parent / "envelope.proto"
RECEIVED_NS: Final = 1_795_316_640_123_456_789
"""2026-11-22 03:04:00.123456789 UTC."""
FEW: Final = settings(
    max_examples=2,
    phases=[Phase.generate],  # shrinking a failing example costs many inserts
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
"""For laws whose examples are blocks of many rows: an insert costs more than its rows."""
_names = itertools.count(1)


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="seamark-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _engine() -> Any:
    connection = chdb.connect(str(_folder() / "engine"))
    atexit.register(connection.close)
    return connection


def connect() -> Any:
    """One more connection to the engine, for a test with databases of its own."""
    _engine()
    return chdb.connect(str(_folder() / "engine"))


class EngineStore:
    """A store inside this process: what the migration runner needs, and inserts of blocks."""

    def __init__(self, database: str | None = None) -> None:
        self.database = database or f"test_{next(_names)}"

    def command(self, sql: str) -> object:
        """Run a statement."""
        return _engine().query(sql)

    def text(self, sql: str) -> str:
        """One value as text."""
        return str(_engine().query(sql, "TabSeparatedRaw")).removesuffix("\n")

    def lines(self, sql: str, params: Mapping[str, Any] | None = None) -> list[bytes]:
        """Rows as lines of escaped text, whatever is in them. `params`: values of `{name:Type}`."""
        found = _engine().query(sql, "TabSeparated", params=dict(params or {}))
        return bytes(found.bytes() or b"").splitlines()

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Rows of decoded JSON values; strings that are not UTF-8 have to be made hexadecimal."""
        return [list(row.values()) for row in self.records(sql)]

    def records(self, sql: str) -> list[dict[str, Any]]:
        """The same, by column name. 64-bit integers are numbers; NaN and infinity are strings."""
        settings = (
            "output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 1"
        )
        answer = bytes(_engine().query(f"{sql} SETTINGS {settings}", "JSONEachRow").bytes())
        return [msgspec.json.decode(line) for line in answer.splitlines()]

    def migrated(self) -> "EngineStore":
        """The same store, with all tables."""
        migrate(self, variant=Variant.EMBEDDED, database=self.database)
        return self

    def insert(self, signal: Signal, envelopes: Sequence[bytes], *, token: str = "") -> None:
        """Insert one block: a zstd frame for each envelope, as the log has them."""
        path = _folder() / f"{uuid.uuid4().hex}.zst"
        path.write_bytes(b"".join(zstandard.compress(envelope, 1) for envelope in envelopes))
        settings = dict(INSERT_SETTINGS) | {
            "format_schema": f"{PROTO}:Envelope",
            "insert_deduplication_token": token or path.name,
        }
        listed = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        self.command(
            f"INSERT INTO {self.database}.{input_table(signal)} FROM INFILE '{path}' "
            f"SETTINGS {listed} FORMAT Protobuf"
        )
        path.unlink()


def envelope(
    signal: Signal,
    body: bytes,
    *,
    sender: Sender | None = None,
    outcome: Outcome | None = None,
    received_ns: int = RECEIVED_NS,
    sent_ms: int | None = None,
    weight: float = 1.0,
    receipt: str = "018f0000-0000-7000-8000-000000000001",
) -> bytes:
    """One envelope of org `acme`, app `shop`, with what a test does not care about filled in."""
    return encode_envelope(
        (sender or Sender(org="acme", app="shop", key_id="k1")).encode(),
        receipt=receipt,
        received_ns=received_ns,
        sent_ms=sent_ms,
        outcome=outcome or Outcome(1, 1),
        signal=signal,
        body=body,
        weight=weight,
    )


def events_envelope(events: Sequence[dict[str, Any]], **fields: Any) -> bytes:
    """An envelope of events."""
    return envelope(Signal.EVENTS, msgspec.json.encode(events), **fields)


def double_bits(value: float) -> bytes:
    """A float's eight bytes, to compare floats to the last bit."""
    return struct.pack("<d", value)
