"""What the generator sends: valid, within the limits, and different where it has to be."""

import gzip
import json
import re
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from load.bodies import Shape, Target, batch_id, event_names, native_requests
from load.otlp_bodies import OtlpRequest, metric_name, service_names
from seamark.wire import limits

TARGET = Target(host="127.0.0.1:4318", key="smk_x", app="demo")
NOW_MS = 1_795_316_640_000
NOW_NS = NOW_MS * 1_000_000


def split(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert int(headers["Content-Length"]) == len(body)
    return headers, body


def native(wire: bytes) -> dict[str, Any]:
    headers, body = split(wire)
    coded = headers.get("Content-Encoding") == "gzip"
    found: dict[str, Any] = json.loads(gzip.decompress(body) if coded else body)
    return found


@pytest.mark.parametrize("packed", [False, True])
def test_a_native_batch_is_within_every_limit(packed: bool) -> None:
    shape = Shape(run="ab12cd34", batch=1000, gzip=packed)
    (request,) = native_requests(TARGET, shape, count=1, seed=1, now_ms=NOW_MS)
    wire = bytes(request.wire(0, NOW_NS))
    batch = native(wire)
    assert len(split(wire)[1]) <= limits.BODY_BYTES
    assert batch["appId"] == "demo"
    assert len(batch["events"]) == request.items == limits.EVENTS_PER_BATCH
    for event in batch["events"]:
        assert re.match(limits.NAME_PATTERN, event["name"])
        assert event["name"] in event_names("ab12cd34")
        assert 0 <= batch["sentAt"] - event["ts"] < 2_000
        assert len(event["attrs"]) <= limits.ATTRIBUTES
        assert abs(event["value"]) <= limits.VALUE_MAGNITUDE


@pytest.mark.parametrize("packed", [False, True])
def test_every_send_has_its_own_batch_id_and_the_same_events(packed: bool) -> None:
    shape = Shape(run="ab12cd34", batch=20, gzip=packed)
    (request,) = native_requests(TARGET, shape, count=1, seed=1, now_ms=NOW_MS)
    first = native(bytes(request.wire(0, NOW_NS)))
    for number in (1, 15, 255, 2**32, 2**63):
        batch = native(bytes(request.wire(number, NOW_NS)))  # gzip checks the patched CRC
        assert batch.pop("batchId") == batch_id("ab12cd34", number)
        assert batch == {key: value for key, value in first.items() if key != "batchId"}


@pytest.mark.parametrize("packed", [False, True])
def test_batch_ids_can_be_left_out(packed: bool) -> None:
    shape = Shape(run="r", batch=5, batch_ids=False, gzip=packed)
    (request,) = native_requests(TARGET, shape, count=1, seed=1, now_ms=NOW_MS)
    assert "batchId" not in native(bytes(request.wire(9, NOW_NS)))


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    shape = Shape(run="r", batch=5)
    one, same, other = (
        [
            bytes(r.wire(1, NOW_NS))
            for r in native_requests(TARGET, shape, count=3, seed=s, now_ms=NOW_MS)
        ]
        for s in (1, 1, 2)
    )
    assert one == same
    assert len({*one, *other}) == 6


def test_spans_get_new_traces_with_each_request_and_times_of_now() -> None:
    request = OtlpRequest(TARGET, "traces", "r1", items=50, seed=3)
    assert request.patched == (50, 100)
    traces: set[bytes] = set()
    for number in range(3):
        now_ns = NOW_NS + number * 5_000_000_000
        message = ExportTraceServiceRequest()
        message.ParseFromString(split(bytes(request.wire(number, now_ns)))[1])
        spans = [
            span
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        assert len(spans) == request.items
        assert {len(span.attributes) for span in spans} == {8}
        ids = {span.trace_id for span in spans}
        assert len(ids) == 5
        assert not traces & ids
        traces |= ids
        for span in spans:
            assert 0 < now_ns - span.start_time_unix_nano < 1_000_000_000
            assert span.start_time_unix_nano <= span.end_time_unix_nano <= now_ns
    services = {
        attribute.value.string_value
        for resource in message.resource_spans
        for attribute in resource.resource.attributes
        if attribute.key == "service.name"
    }
    assert services == set(service_names("r1"))


@pytest.mark.parametrize("seed", range(20))
def test_nothing_but_ids_and_times_is_rewritten(seed: int) -> None:
    assert OtlpRequest(TARGET, "traces", "r1", items=30, seed=seed).patched == (30, 60)
    assert OtlpRequest(TARGET, "logs", "r1", items=30, seed=seed).patched == (30, 60)
    assert OtlpRequest(TARGET, "metrics", "r1", items=30, seed=seed).patched == (0, 60)


def test_log_records_and_points_decode_with_times_of_now() -> None:
    logs = ExportLogsServiceRequest()
    request = OtlpRequest(TARGET, "logs", "r1", items=30, seed=1)
    logs.ParseFromString(split(bytes(request.wire(4, NOW_NS)))[1])
    records = logs.resource_logs[0].scope_logs[0].log_records
    assert len(records) == 30
    assert all(0 <= NOW_NS - record.time_unix_nano < 500_000_000 for record in records)
    assert all(record.observed_time_unix_nano == NOW_NS for record in records)
    points = ExportMetricsServiceRequest()
    request = OtlpRequest(TARGET, "metrics", "r1", items=30, seed=1)
    points.ParseFromString(split(bytes(request.wire(4, NOW_NS)))[1])
    (metric,) = points.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == metric_name("r1")
    assert all(0 <= NOW_NS - p.time_unix_nano < 500_000_000 for p in metric.sum.data_points)
    series = {str(point.attributes) for point in metric.sum.data_points}
    assert len(series) == len(metric.sum.data_points) == 30
