"""Whatever is valid protobuf by the schema is stored: no value of a field may fail a block."""

import random
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from seamark.wire.signals import Signal
from tests.support.schema_store import EngineStore, envelope, events_envelope

pytestmark = pytest.mark.integration
_D = FieldDescriptor
EXTREMES: dict[int, list[Any]] = {
    _D.TYPE_DOUBLE: [0.0, -0.0, 1e308, -1e-320, float("nan"), float("inf"), float("-inf"), 0.5],
    _D.TYPE_INT64: [0, -(2**63), 2**63 - 1],
    _D.TYPE_SFIXED64: [0, -(2**63), 2**63 - 1],
    _D.TYPE_FIXED64: [0, 1, 2**63 - 1, 2**63, 2**64 - 1, 1_795_316_640_000_000_000],
    _D.TYPE_UINT64: [0, 2**64 - 1],
    _D.TYPE_UINT32: [0, 2**32 - 1],
    _D.TYPE_FIXED32: [0, 2**32 - 1],
    _D.TYPE_INT32: [0, -(2**31), 2**31 - 1],
    _D.TYPE_SINT32: [0, -(2**31), 2**31 - 1, -20, 20],
    _D.TYPE_ENUM: [0, 1, 2, -(2**31), 2**31 - 1],
    _D.TYPE_BOOL: [False, True],
    _D.TYPE_STRING: ["", "\0", "a\0b", "ü" * 300, "'; DROP", "{}"],
    _D.TYPE_BYTES: [b"", b"x", b"\xff" * 16, b"\0" * 8, b"z" * 400],
}


def fill(message: Message, rng: random.Random, depth: int) -> None:
    """Set random fields of a message to extremes, recursively."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.25 and depth < 8:
            continue
        if field.type == _D.TYPE_MESSAGE:
            if depth > 12:
                continue
            if field.is_repeated:
                for _ in range(rng.choice([0, 1, 1, 2])):
                    fill(getattr(message, field.name).add(), rng, depth + 1)
            else:
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), rng, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(
                rng.choice(EXTREMES[field.type]) for _ in range(rng.choice([0, 1, 3]))
            )
        else:
            setattr(message, field.name, rng.choice(EXTREMES[field.type]))


def timeless() -> EngineStore:
    """A store that keeps rows of 1970 too."""
    store = EngineStore().migrated()
    tables = store.rows(
        f"SELECT name FROM system.tables WHERE database = '{store.database}' "
        "AND engine LIKE '%MergeTree' AND name != 'migrations'"
    )
    for (table,) in tables:
        store.command(f"ALTER TABLE {store.database}.{table} REMOVE TTL")
    return store


REQUESTS: dict[Signal, Any] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}


def items(signal: Signal, request: Any) -> int:
    """Spans, data points or records of a request."""
    count = 0
    for resource in request.ListFields()[0][1] if request.ListFields() else ():
        for scope in getattr(resource, resource.DESCRIPTOR.fields_by_number[2].name):
            inner = getattr(scope, scope.DESCRIPTOR.fields_by_number[2].name)
            if signal is not Signal.METRICS:
                count += len(inner)
                continue
            for metric in inner:
                kind = metric.WhichOneof("data")
                count += len(getattr(metric, kind).data_points) if kind else 0
    return count


@pytest.mark.parametrize(
    ("signal", "table"),
    [(Signal.TRACES, "spans"), (Signal.METRICS, "metric_points"), (Signal.LOGS, "logs")],
)
def test_extreme_values_are_stored(signal: Signal, table: str) -> None:
    store = timeless()
    rng = random.Random(11)
    envelopes, expected = [], 0
    for index in range(300):
        request = REQUESTS[signal]()
        fill(request, rng, 0)
        expected += items(signal, request)
        received_ns = rng.choice([0, 1, 2**63, 2**64 - 1, 1_795_316_640_000_000_000])
        envelopes.append(
            envelope(
                signal,
                request.SerializeToString(),
                received_ns=received_ns,
                receipt="" if index % 2 else "no uuid",
                weight=rng.choice([0.0, 1.0, float("inf")]),
            )
        )
    assert expected > 50
    store.insert(signal, envelopes)
    assert store.text(f"SELECT count() FROM {store.database}.{table}") == str(expected)
    assert store.text(f"SELECT sum(requests) FROM {store.database}.ledger") == "300"
    rollups = {"spans": ["spans_1m", "spans_1h"], "metric_points": ["metrics_1m", "metrics_1h"]}
    for rollup in rollups.get(table, []):
        assert store.text(f"SELECT sum(rows) FROM {store.database}.{rollup}") == str(expected)


def test_extreme_events_are_stored() -> None:
    store = timeless()
    times: list[Any] = [
        *(0, -1, 2**63 - 1, -(2**63), 1e300, -1e300, 4_102_444_800_000, 0.5, True, None),
        *("", "x", "1e9999", "nan", "inf", "2026-13-45T99:99:99Z", "9999-12-31T23:59:59Z", "0"),
        *([1], {"a": 1}),
    ]
    events = [{"ts": ts, "name": "n", "value": 1e15, "attrs": {"a": None}} for ts in times]
    odd: list[Any] = [{}, {"value": "text", "attrs": [], "device": "x", "name": 5}]
    store.insert(
        Signal.EVENTS,
        [
            events_envelope(events + odd, received_ns=received_ns, sent_ms=sent_ms)
            for received_ns in (0, 2**64 - 1, 1_795_316_640_000_000_000)
            for sent_ms in (None, 1, 2**62)
        ]
        + [events_envelope([])],
    )
    expected = str(9 * len(events + odd))
    for table in ("events_1m", "events_1h", "events_1d"):
        assert store.text(f"SELECT sum(rows) FROM {store.database}.{table}") == expected
    assert store.text(f"SELECT count() FROM {store.database}.events") == expected
