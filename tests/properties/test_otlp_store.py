"""No request that the collector takes can fail ClickHouse's reading of it, nor read differently."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from collector.receivers.otlp_check import examine
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.failures import Rejected
from seamark.wire.signals import Signal
from tests.properties.otlp_oddities import bend, nested_values, random_request

_ROOT = Path(__file__).parents[2]
_SCHEMA = _ROOT / "seamark" / "wire" / "envelope.proto"
_CASES = 4_000
_POINTS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def _write_block(bodies: list[tuple[Kind, bytes]], path: Path) -> None:
    sender = Sender(org="acme", app="shop").encode()
    path.write_bytes(
        b"".join(
            encode_envelope(
                sender,
                receipt=str(number),
                received_ns=time.time_ns(),
                sent_ms=None,
                outcome=Outcome(1, 1),
                signal=kind.signal,
                body=body,
            )
            for number, (kind, body) in enumerate(bodies)
        )
    )


def _run(*arguments: str) -> bytes:
    """Standard output of a script beside this file. What the engine says is the failure's text."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=_ROOT, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:].decode(errors="replace")
    return done.stdout


def _read_by_clickhouse(bodies: list[tuple[Kind, bytes]], folder: Path) -> list[list[Any]]:
    """Rows of one block of envelopes: [receipt, spans, records, points] each."""
    _write_block(bodies, folder / "block.pb")
    lines = _run("-m", "tests.properties.otlp_reading", str(_SCHEMA), str(folder / "block.pb"))
    return [json.loads(line) for line in lines.splitlines()]


def _expected(kind: Kind, body: bytes) -> list[Any]:
    """What protobuf finds in a body, in the form of `otlp_reading`."""
    request: Any = kind.request.FromString(body)
    items = [
        item
        for resource in kind.resources(request)
        for scope in kind.scopes(resource)
        for item in kind.items(scope)
    ]
    if kind is METRICS:
        return [
            [item.name, item.unit, *(len(getattr(item, name).data_points) for name in _POINTS)]
            for item in items
        ]
    return [
        [
            item.trace_id.hex(),
            item.name if kind is TRACES else item.event_name,
            str(item.start_time_unix_nano if kind is TRACES else item.time_unix_nano),
            item.kind if kind is TRACES else item.severity_number,
            [[a.key, a.value.string_value] for a in item.attributes],
        ]
        for item in items
    ]


def _agree(bodies: list[tuple[Kind, bytes]], folder: Path) -> None:
    column = {Signal.TRACES: 1, Signal.LOGS: 2, Signal.METRICS: 3}
    rows = _read_by_clickhouse(bodies, folder)
    assert len(rows) == len(bodies)
    for (kind, body), row in zip(bodies, rows, strict=True):
        found = [
            [value or "" if value is None else value for value in item]
            for item in row[column[kind.signal]]
        ]
        assert found == _expected(kind, body), (kind.signal, body.hex())


def _bent_and_taken(seed: int) -> tuple[list[tuple[Kind, bytes]], dict[str, int]]:
    """Bodies as the collector would append them, and how many items of each signal are in them."""
    rng = random.Random(seed)
    taken: list[tuple[Kind, bytes]] = []
    accepted = dict.fromkeys((kind.signal.value for kind in KINDS), 0)
    for number in range(_CASES):
        kind = KINDS[number % len(KINDS)]
        body = random_request(kind, rng)
        if number % 10:
            body = bend(kind, body, rng)
        try:
            examined = examine(kind, body)
        except Rejected:
            continue
        taken.append((kind, examined.body))
        accepted[kind.signal.value] += examined.outcome.accepted
    assert _CASES // 2 < len(taken) < _CASES, "oddities that are never taken, or never refused"
    return taken, accepted


@pytest.mark.integration
def test_every_bent_request_that_is_taken_is_read_alike(tmp_path: Path) -> None:
    taken, _ = _bent_and_taken(20_260_101)
    _agree(taken, tmp_path)


@pytest.mark.integration
def test_every_item_of_them_becomes_one_row(tmp_path: Path) -> None:
    taken, accepted = _bent_and_taken(20_260_102)
    blocks = {kind: tmp_path / f"{kind.signal.value}.pb" for kind in KINDS}
    for kind, path in blocks.items():
        _write_block([(each, body) for each, body in taken if each is kind], path)
    paths = [str(blocks[kind]) for kind in (TRACES, METRICS, LOGS)]
    output = _run("-m", "tests.properties.otlp_storing", str(_SCHEMA), str(tmp_path / "db"), *paths)
    assert json.loads(output) == accepted


@pytest.mark.integration
def test_received_bytes_as_they_are_do_poison_a_block(tmp_path: Path) -> None:
    """The reason for writing requests anew. When the engine reads this, ask again what it costs."""
    group = b"\x0a\x08" + b"\x12\x06" + b"\x9b\x06\x08\x05\x9c\x06"
    TRACES.request.FromString(group)
    with pytest.raises(AssertionError, match="Protobuf messages are corrupted"):
        _read_by_clickhouse([(TRACES, group)], tmp_path)


@pytest.mark.integration
def test_values_nested_as_deep_as_ingest_takes_them(tmp_path: Path) -> None:
    bodies: list[tuple[Kind, bytes]] = []
    for levels in (1, 2, 3, 4, 5, 8, 20, 40):
        request: Any = LOGS.request()
        record = request.resource_logs.add().scope_logs.add().log_records.add()
        record.body.CopyFrom(nested_values(levels))
        record.attributes.add(key="deep").value.CopyFrom(nested_values(levels))
        try:
            bodies.append((LOGS, examine(LOGS, request.SerializeToString()).body))
        except (Rejected, DecodeError):
            assert levels >= 40
    assert len(bodies) >= 7
    _agree(bodies, tmp_path)
