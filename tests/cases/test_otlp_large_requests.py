"""Stock exporters at their default batch, and a full batch of a Collector, are stored whole: one
answer, one receipt, as many log messages as it takes.
"""

import gzip
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import zstandard
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from collector.receivers.otlp_kinds import LOGS, TRACES
from tests.properties.otlp_oddities import hex_ids
from tests.support.collector_process import KEY, CollectorProcess, messages, prepare
from tests.support.otlp_sending import JSON, call, items, post, record
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
BATCH = 8_192
MEBIBYTE = 1024 * 1024


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats", max_payload="4MB") as server:
        prepare(server)
        yield server


def _text(rng: random.Random, size: int) -> str:
    return rng.randbytes(size // 2).hex()


def _batch(count: int, size: int) -> Any:
    rng = random.Random(7)
    request: Any = TRACES.request()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "web"
    scope = resource.scope_spans.add()
    for number in range(count):
        span = scope.spans.add(trace_id=b"\1" * 16, span_id=number.to_bytes(8, "big") or b"\1")
        span.span_id = (number + 1).to_bytes(8, "big")
        span.name = f"span {number}"
        span.attributes.add(key="text").value.string_value = _text(rng, size)
    return request


def _check(log: NatsServer, count: int) -> None:
    names = [span.name for span in items(log, TRACES)]
    assert Counter(names) == Counter(f"span {number}" for number in range(count))
    envelopes = [e for m in messages(log, TRACES.signal) for e in m.envelopes]
    assert len({envelope.receipt for envelope in envelopes}) == 1
    assert sum(envelope.outcome.get("offered", 0) for envelope in envelopes) == count
    assert sum(envelope.outcome.get("accepted", 0) for envelope in envelopes) == count


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "zstd"])
def test_a_full_batch_of_a_collector(
    collector: CollectorProcess, log: NatsServer, coding: str
) -> None:
    body = _batch(BATCH, 1_500).SerializeToString()
    packed = body
    if coding == "gzip":
        packed = gzip.compress(body, 1)
    elif coding == "deflate":
        packed = zlib.compress(body, 1)
    elif coding == "zstd":
        packed = zstandard.compress(body)
    headers = {"Content_Encoding": coding} if coding else {}
    answer = post(collector, TRACES, packed, **headers)
    assert (answer.status, answer.body) == (200, b"")
    _check(log, BATCH)


@pytest.mark.parametrize(
    "compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate]
)
def test_a_full_batch_over_grpc(
    collector: CollectorProcess, log: NatsServer, compression: grpc.Compression
) -> None:
    body = _batch(BATCH, 1_500).SerializeToString()
    response = call(collector, TRACES, body, compression=compression)
    assert not response.partial_success.error_message
    _check(log, BATCH)


def test_a_full_batch_as_json(collector: CollectorProcess, log: NatsServer) -> None:
    value = json_format.MessageToDict(_batch(BATCH, 1_000))
    hex_ids(value)
    answer = post(collector, TRACES, json.dumps(value).encode(), content_type=JSON)
    assert (answer.status, answer.body) == (200, b"{}")
    _check(log, BATCH)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_the_stock_exporter_at_its_default_batch(
    collector: CollectorProcess, log: NatsServer, protocol: str
) -> None:
    if protocol == "http":
        url = f"http://127.0.0.1:{collector.port}/v1/traces"
        exporter: Any = HttpExporter(endpoint=url, headers={"x-api-key": KEY})
    else:
        url = f"http://127.0.0.1:{collector.grpc_port}"
        exporter = GrpcExporter(endpoint=url, headers=(("x-api-key", KEY),))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    rng = random.Random(7)
    for number in range(1_500):
        tracer.start_span(f"span {number}", attributes={"text": _text(rng, 2_048)}).end()
    provider.shutdown()
    names = [span.name for span in items(log, TRACES)]
    assert Counter(names) == Counter(f"span {number}" for number in range(1_500))


def test_log_lines_of_a_megabyte(collector: CollectorProcess, log: NatsServer) -> None:
    lines = [_text(random.Random(number), MEBIBYTE) for number in range(4)]
    body = b"".join([record(line) for line in lines])
    answer = post(collector, LOGS, body)
    assert (answer.status, answer.body) == (200, b"")
    assert sorted(one.body.string_value for one in items(log, LOGS)) == sorted(lines)


def test_an_item_too_large_for_a_message_costs_no_other(
    collector: CollectorProcess, log: NatsServer
) -> None:
    body = record("first") + record(_text(random.Random(1), 5 * MEBIBYTE)) + record("last")
    answer = post(collector, LOGS, body)
    response: Any = LOGS.response.FromString(answer.body)
    assert (answer.status, response.partial_success.rejected_log_records) == (200, 1)
    assert "limits for one item" in response.partial_success.error_message
    assert sorted(one.body.string_value for one in items(log, LOGS)) == ["first", "last"]


def test_sizes_beyond_the_limits_say_so(collector: CollectorProcess) -> None:
    sent = post(collector, LOGS, bytes(17 * MEBIBYTE))
    assert sent.status == 413
    assert b"16,777,216" in sent.body
    inflated = post(collector, LOGS, gzip.compress(bytes(70 * MEBIBYTE)), Content_Encoding="gzip")
    assert inflated.status == 413
    assert b"67,108,864" in inflated.body
