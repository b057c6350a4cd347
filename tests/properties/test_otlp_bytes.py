"""Whatever the bytes: an answer or a failure of ours, the law of counts, and a fixed point."""

import asyncio
import json
import random
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc import status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.receivers import otlp_http
from collector.receivers.otlp_check import examine
from collector.receivers.otlp_json import to_protobuf
from collector.receivers.otlp_kinds import KINDS, Kind
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import NAME_CHARS
from seamark.wire.reasons import Reason
from tests.properties.otlp_oddities import bend, hex_ids, random_request
from tests.unit.otlp_ingest import FakeIngest, head

PROTOBUF, JSON = "application/x-protobuf", "application/json"
kinds = st.sampled_from(KINDS)
bent = st.builds(
    lambda kind, seed: (
        kind,
        bend(kind, random_request(kind, random.Random(seed)), random.Random(seed)),
    ),
    kinds,
    st.integers(0, 2**32),
)
_names = st.sampled_from(
    [
        *("resourceSpans", "scopeSpans", "spans", "resourceLogs", "scopeLogs", "logRecords"),
        *("resourceMetrics", "scopeMetrics", "metrics", "gauge", "sum", "dataPoints", "attributes"),
        *("key", "value", "stringValue", "intValue", "arrayValue", "values", "traceId", "spanId"),
        *("name", "kind", "startTimeUnixNano", "asDouble", "asInt", "body", "bytesValue", "other"),
    ]
)
_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["00" * 16, "01" * 8, "AAE=", "NaN", "5", str(2**64)])
)
json_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4)
)


def _answer(kind: Kind, content_type: str, body: bytes) -> FakeIngest:
    """Accept or fail; both have to be renderable. Anything else raised fails the test."""
    ingest = FakeIngest()
    receiver = next(r for r in otlp_http.build(ingest) if r.path == kind.path)
    request = head(content_type)
    try:
        reply = asyncio.run(receiver.accept(request, body))
    except (Rejected, Unavailable) as failure:
        reply = receiver.failure(request, failure)
        assert 400 <= reply.status < 500
        if content_type == JSON:
            json_format.Parse(reply.body, status_pb2.Status())
        else:
            status_pb2.Status.FromString(reply.body)
        assert not ingest.appended
    else:
        assert reply.status == 200
        response: Any = kind.response()
        if content_type == JSON:
            json_format.Parse(reply.body, response)
        else:
            response.ParseFromString(reply.body)
    return ingest


@given(kinds, st.sampled_from([PROTOBUF, JSON]), st.binary(max_size=200))
def test_any_bytes_get_an_answer(kind: Kind, content_type: str, body: bytes) -> None:
    _answer(kind, content_type, body)


@given(kinds, json_values)
def test_any_json_gets_an_answer(kind: Kind, value: object) -> None:
    _answer(kind, JSON, json.dumps(value).encode())


@given(bent)
@settings(max_examples=300)
def test_counts_balance_and_what_is_stored_is_a_fixed_point(case: tuple[Kind, bytes]) -> None:
    kind, body = case
    for appended in _answer(kind, PROTOBUF, body).appended:
        outcome = appended.outcome
        assert outcome.offered == outcome.accepted + sum(outcome.rejected.values())
        assert len(appended.dead_letters) == sum(outcome.rejected.values())
        for dead_letter in appended.dead_letters:
            assert dead_letter.index < outcome.offered
            if dead_letter.reason == Reason.INVALID_IDENTIFIER:
                span = Span.FromString(dead_letter.original)
                assert span.name[:NAME_CHARS] == dead_letter.name
        again = examine(kind, appended.body)
        assert again.body == appended.body
        assert (again.outcome.offered, again.outcome.rejected) == (outcome.accepted, {})
        assert again.remark == ""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal.value)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=100)
def test_json_is_read_as_protobufs_own_reader_reads_it(kind: Kind, seed: int) -> None:
    request: Any = kind.request.FromString(random_request(kind, random.Random(seed)))
    value = json_format.MessageToDict(request, use_integers_for_enums=True)
    hex_ids(value)
    assert to_protobuf(kind, json.dumps(value).encode()) == request.SerializeToString()


@given(kinds, json_values, st.lists(st.tuples(st.integers(0, 300), st.integers(128, 255))))
def test_json_with_bytes_that_are_no_text_is_answered(
    kind: Kind, document: object, changed: list[tuple[int, int]]
) -> None:
    body = bytearray(json.dumps(document).encode())
    for at, byte in changed:
        body[at % len(body)] = byte
    _answer(kind, JSON, bytes(body))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal.value)
def test_a_name_in_json_that_is_no_text_is_an_unknown_field(kind: Kind) -> None:
    _answer(kind, JSON, b'{"resourc\xc7Spans": [{"schemaUrl": "v7"}]}')
    _answer(kind, JSON, b'{"reso\xabeLogs": true}')
