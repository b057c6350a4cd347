"""Durations of spans with any two times: exact up to 30 days, else 0 and flagged."""

import random

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from seamark.wire.signals import Signal
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope

pytestmark = pytest.mark.integration
LONGEST_NS = 30 * 86_400 * 10**9
LAST_NS = 2**64 - 1


def expected(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Duration and flag."""
    duration_ns = end_ns - start_ns
    return (duration_ns, 0) if 0 <= duration_ns <= LONGEST_NS else (0, 1)


def test_any_two_times() -> None:
    rng = random.Random(4)
    edges = [0, 1, RECEIVED_NS, RECEIVED_NS + LONGEST_NS, RECEIVED_NS + LONGEST_NS + 1]
    edges += [2**63 - 1, 2**63, LAST_NS - LONGEST_NS, LAST_NS]
    pairs = [(start, end) for start in edges for end in edges]
    pairs += [(rng.getrandbits(64), rng.getrandbits(64)) for _ in range(50)]
    pairs += [(start := rng.getrandbits(63), start + rng.getrandbits(48)) for _ in range(50)]
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for place, (start_ns, end_ns) in enumerate(pairs):
        spans.add(name=str(place), start_time_unix_nano=start_ns, end_time_unix_nano=end_ns)
    store = EngineStore().migrated()
    store.insert(Signal.TRACES, [envelope(Signal.TRACES, request.SerializeToString())])
    rows = store.rows(
        f"SELECT duration_ns, duration_flag FROM {store.database}.spans ORDER BY toUInt32(name)"
    )
    assert [tuple(row) for row in rows] == [expected(*pair) for pair in pairs]
    [[total]] = store.rows(f"SELECT sum(duration_sum) FROM {store.database}.spans_1h")
    assert total == pytest.approx(sum(expected(*pair)[0] for pair in pairs))
