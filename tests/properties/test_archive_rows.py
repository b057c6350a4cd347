"""The files of a block hold the very rows that the store's raw tables get of it, all four signals.

The oracle is the store's own schema, filled by the same block the way `rows` does it.
"""

import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
import zstandard

from collector.receivers.otlp_check import examine
from collector.receivers.otlp_kinds import KINDS
from processors.archive.engine import Made
from processors.archive.files import Count, Facts, merge_ledgers
from processors.archive.footer import add_metadata
from processors.archive.inflate import UnreadableFrame
from processors.archive.tables import RAW_TABLE
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.failures import Rejected
from seamark.wire.signals import Signal
from tests.properties.otlp_oddities import random_request
from tests.support.archive_engine import shared_engine
from tests.support.schema_store import EngineStore, events_envelope

HOUR_MS = 3_600_000
BEGIN_MS = (time.time_ns() // 1_000_000 // HOUR_MS - 48) * HOUR_MS
KIND = {kind.signal: kind for kind in KINDS}
TEXTS = ("", "a", "naïve ☃ 𝄞", 'quote"\\\n\t', "x" * 300)


def body(signal: Signal, rng: random.Random) -> bytes:
    """A body that the collector would take."""
    if signal is Signal.EVENTS:
        events = [
            {
                "ts": rng.choice((BEGIN_MS, "2026-11-22T03:04:05.678Z", 1.5e12)),
                "name": rng.choice(("page_view", "feature_click")),
                "id": str(rng.randrange(9)),
                "attrs": {key: rng.choice((*TEXTS, 1, 2.5, True)) for key in rng.sample("abc", 2)},
                "device": {"type": rng.choice(TEXTS)},
            }
            | ({"value": rng.uniform(-1e15, 1e15)} if rng.random() < 0.5 else {})
            for _ in range(rng.randrange(1, 6))
        ]
        return msgspec.json.encode(events)
    while True:
        try:
            return examine(KIND[signal], random_request(KIND[signal], rng)).body
        except Rejected:
            continue


def envelope(signal: Signal, rng: random.Random) -> bytes:
    """An envelope received within three hours; some only count."""
    received_ms = BEGIN_MS + rng.choice((0, 1, HOUR_MS - 1, HOUR_MS, rng.randrange(3 * HOUR_MS)))
    counts_only = rng.random() < 0.1
    return encode_envelope(
        Sender(
            org=rng.choice(("acme", "other")), app=rng.choice("ab"), key_id=rng.choice("kl")
        ).encode(),
        receipt=str(uuid.UUID(int=rng.getrandbits(128))),
        received_ns=received_ms * 1_000_000 + rng.randrange(1_000_000),
        sent_ms=rng.choice((None, received_ms - 5)),
        outcome=Outcome(
            rng.randrange(9),
            rng.randrange(9),
            {"too_late": rng.randrange(1, 5)},
            request_rejections={"x": 1},
        ),
        signal=signal,
        body=b"" if counts_only else body(signal, rng),
        weight=rng.choice((1.0, 12.5)),
    )


def lines(store: EngineStore, source: str) -> list[bytes]:
    """All rows as text, sorted; NaN and infinity included."""
    return sorted(store.lines(f"SELECT * FROM {source}"))


def structure(signal: Signal) -> str:
    """The columns, as the engine's function `file` takes them."""
    listed = ", ".join(f"`{name}` {kind}" for name, kind in shared_engine().columns(signal))
    return listed.replace("'", "\\'")


def make(
    signal: Signal, envelopes: Sequence[bytes], folder: Path, rng: random.Random
) -> list[Made]:
    """The block's files, its frames joined into messages at random."""
    messages: list[bytes] = []
    for one in envelopes:
        if messages and rng.random() < 0.5:
            messages[-1] += zstandard.compress(one, 1)
        else:
            messages.append(zstandard.compress(one, 1))
    return shared_engine().make(signal, messages, folder)


@pytest.mark.parametrize("signal", Signal)
def test_rows_are_those_of_the_raw_table(signal: Signal, tmp_path: Path) -> None:
    store = EngineStore().migrated()
    raw = f"{store.database}.{RAW_TABLE[signal]}"
    for seed in range(4):
        rng = random.Random(f"{signal} {seed}")
        envelopes = [envelope(signal, rng) for _ in range(rng.choice((1, 20, 120)))]
        store.command(f"TRUNCATE TABLE {raw}")
        store.command(f"TRUNCATE TABLE {store.database}.ledger")
        store.insert(signal, envelopes)
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = make(signal, envelopes, folder, rng)
        assert len({one.hour for one in made}) == len(made)
        source = f"file('{folder}/*.parquet', 'Parquet', '{structure(signal)}')"
        assert lines(store, source) == lines(store, raw)
        _check_facts(store, raw, made)
        _check_ledger(store, made)


def _check_facts(store: EngineStore, raw: str, made: Sequence[Made]) -> None:
    for one in made:
        assert one.rows == sum(count.rows for count in one.counts)
        begin_ms = one.hour.number * HOUR_MS
        assert begin_ms <= one.min_received <= one.max_received < begin_ms + HOUR_MS
        assert pq.read_metadata(one.file).num_rows == one.rows
        where = f"received_at BETWEEN fromUnixTimestamp64Milli({begin_ms}, 'UTC')"
        where += f" AND fromUnixTimestamp64Milli({begin_ms + HOUR_MS - 1}, 'UTC')"
        counts = store.rows(
            "SELECT org, app, toUnixTimestamp(toStartOfMinute(received_at)), key_id, count() "
            f"FROM {raw} WHERE {where} GROUP BY ALL ORDER BY ALL"
        )
        assert one.counts == tuple(Count(*row) for row in counts)


def _check_ledger(store: EngineStore, made: Sequence[Made]) -> None:
    """As the store's, but for what is counted from the raw tables themselves."""
    rows = store.records(f"SELECT * FROM {store.database}.ledger")
    accounted = merge_ledgers([row | {"stored": 0} for row in rows])
    found = merge_ledgers([row for one in made for row in one.ledger])
    assert [row for row in found if row["requests"]] == [
        row for row in accounted if row["requests"]
    ]
    for one in made:
        hours = {row["minute"][:13] for row in one.ledger}
        assert len(hours) <= 1


@pytest.mark.parametrize("signal", Signal)
def test_columns_are_those_of_the_raw_table_in_its_order(signal: Signal, tmp_path: Path) -> None:
    store = EngineStore().migrated()
    columns = store.rows(
        f"SELECT name, type FROM system.columns WHERE database = '{store.database}' "
        f"AND table = '{RAW_TABLE[signal]}' ORDER BY position"
    )
    assert [list(column) for column in shared_engine().columns(signal)] == columns
    rng = random.Random(1)
    made = make(signal, [envelope(signal, rng) for _ in range(30)], tmp_path, rng)
    for one in made:
        assert pq.read_schema(one.file).names == [name for name, _ in columns]


def ask_duckdb(sql: str) -> list[Any]:
    """One row. In a process of its own: DuckDB and chdb in one process crash as it ends."""
    program = (
        "import duckdb, json, sys\n"
        "print(json.dumps(duckdb.connect().execute(sys.argv[1]).fetchone()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sql], capture_output=True, text=True, timeout=60, check=True
    )
    row: list[Any] = json.loads(done.stdout)
    return row


@pytest.mark.parametrize("signal", Signal)
def test_others_read_the_files(signal: Signal, tmp_path: Path) -> None:
    rng = random.Random(2)
    made = make(signal, [envelope(signal, rng) for _ in range(60)], tmp_path, rng)
    for one in made:
        facts = Facts(rows=one.rows, min_received=0, max_received=0, ledger=one.ledger)
        add_metadata(one.file, facts.metadata())
        folder = tmp_path / one.hour.folder
        folder.mkdir(parents=True)
        one.file.rename(folder / "part-1.parquet")
    table = pq.read_table(tmp_path / f"signal={signal.value}")
    assert table.num_rows == sum(one.rows for one in made)
    assert str(table.schema.field("receipt").type) == "extension<arrow.uuid>"
    assert str(table.schema.field("received_at").type) == "timestamp[ms, tz=UTC]"
    assert str(table.schema.field("attrs").type).startswith("map<string, string")
    if signal is Signal.TRACES:
        assert str(table.schema.field("trace_id").type) == "fixed_size_binary[16]"
    table.validate(full=True)
    found = ask_duckdb(
        "SELECT count(*), count(DISTINCT receipt), "
        "min(epoch_ms(received_at)), any_value(typeof(receipt)), any_value(typeof(attrs)), "
        "count(DISTINCT hour) "
        f"FROM read_parquet('{tmp_path}/signal=*/**/*.parquet', hive_partitioning = true)"
    )
    assert found[0] == table.num_rows
    assert found[2] == min(one.min_received for one in made if one.rows)
    assert found[3:5] == ["UUID", "MAP(VARCHAR, VARCHAR)"]
    assert found[5] == len([one for one in made if one.rows])


def test_a_merge_keeps_all_rows_and_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    engine = shared_engine()
    for signal in Signal:
        rng = random.Random(f"merge {signal}")
        folder = tmp_path / signal.value
        folder.mkdir()
        inputs = [
            one.file
            for _ in range(5)
            for one in make(signal, [envelope(signal, rng) for _ in range(40)], folder, rng)
        ]
        outputs = [tmp_path / f"{signal.value}-{number}.parquet" for number in range(2)]
        for output in outputs:
            rows = engine.merge(signal, inputs, output)
        assert rows == sum(pq.read_metadata(file).num_rows for file in inputs)
        assert outputs[0].read_bytes() == outputs[1].read_bytes()
        store = EngineStore()
        names = ",".join(file.name for file in inputs)
        columns = structure(signal)
        assert lines(store, f"file('{outputs[0]}', 'Parquet', '{columns}')") == lines(
            store, f"file('{folder}/{{{names}}}', 'Parquet', '{columns}')"
        )
        assert pq.read_schema(outputs[0]).equals(pq.read_schema(inputs[0]))


def test_a_file_of_fewer_columns_is_filled_up(tmp_path: Path) -> None:
    rng = random.Random(3)
    (one,) = make(Signal.EVENTS, [events_envelope([{"ts": BEGIN_MS, "name": "a"}])], tmp_path, rng)
    table = pq.read_table(one.file)
    pq.write_table(table.drop_columns(["key_id", "attrs"]), tmp_path / "old.parquet")
    (tmp_path / "new.parquet").write_bytes(one.file.read_bytes())
    output = tmp_path / "merged.parquet"
    inputs = [tmp_path / "old.parquet", tmp_path / "new.parquet"]
    assert shared_engine().merge(Signal.EVENTS, inputs, output) == 2
    merged = pq.read_table(output)
    assert merged.column_names == table.column_names
    assert merged["key_id"].to_pylist() == ["", "k1"]


def test_what_is_cut_or_no_envelope_is_unreadable_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    good = zstandard.compress(events_envelope([{"ts": BEGIN_MS, "name": "a"}]))
    whole = zstandard.decompress(good)
    bad = {
        "cannot_decompress": [b"this is no zstd frame", good[:-9], good + good[:20]],
        "unknown_protobuf_format": [zstandard.compress(b"\x05" + b"\xff" * 5)],
        "cannot_read_all_data": [zstandard.compress(whole[:-9]), zstandard.compress(b"\xff" * 40)],
    }
    for reason, payloads in bad.items():
        for payload in payloads:
            with pytest.raises(UnreadableFrame) as caught:
                shared_engine().make(Signal.EVENTS, [good, payload, good], tmp_path)
            assert caught.value.reason == reason
    assert not list(tmp_path.iterdir())
    (one,) = shared_engine().make(Signal.EVENTS, [good], tmp_path)
    assert one.rows == 1
    assert shared_engine().make(Signal.EVENTS, [], tmp_path) == []


def test_a_block_of_counts_alone_is_a_file_of_no_rows(tmp_path: Path) -> None:
    counted = encode_envelope(
        Sender(org="acme", app="shop").encode(),
        receipt="",
        received_ns=BEGIN_MS * 1_000_000,
        sent_ms=None,
        outcome=Outcome(3, 0, {"too_late": 3}),
        signal=Signal.LOGS,
        body=b"",
    )
    (one,) = shared_engine().make(Signal.LOGS, [zstandard.compress(counted)], tmp_path)
    assert (one.rows, one.counts, one.min_received) == (0, (), BEGIN_MS)
    assert json.loads(json.dumps(one.ledger))[0]["rejected"] == {"too_late": 3}
    assert pq.read_table(one.file).num_rows == 0
    assert shared_engine().merge(Signal.LOGS, [one.file], tmp_path / "merged") == 0
    assert pq.read_table(tmp_path / "merged").num_rows == 0
