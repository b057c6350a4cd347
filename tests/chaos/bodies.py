"""Request bodies for the chaos workload: every item carries its request's name and its number.

Deterministic: the same chance gives the same items. Values are whole numbers, so that their sums
are exact in floating point whatever the order.
"""

import random
import time
from dataclasses import dataclass

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.chaos.oracle import ITEM, REQUEST, Asked, Kind

NAMES = ("page_view", "feature_click", "checkout.latency", "exception")
_KEY_ERROR = (KeyValue(key="exception.type", value=AnyValue(string_value="KeyError")),)
_PATHS = {Kind.SPANS: "/v1/traces", Kind.POINTS: "/v1/metrics", Kind.LOGS: "/v1/logs"}


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: the same bytes at every try."""

    path: str
    media_type: str
    content: bytes


def native_events(
    chance: random.Random, name: str, *, count: int, own_ids: bool = False
) -> list[dict[str, object]]:
    """Good events of the request `name`."""
    now_ms = time.time_ns() // 1_000_000
    return [
        {
            **({"id": f"{name}.{number}"} if own_ids else {}),
            "ts": now_ms - chance.randrange(2_000),
            "name": chance.choice(NAMES),
            "value": chance.randint(1, 1000),
            "attrs": {
                REQUEST: name,
                ITEM: number,
                "page": f"/p/{chance.randrange(10)}",
                "country": chance.choice(("NL", "IN", "US")),
            },
            "sessionId": f"s-{chance.randrange(50)}",
        }
        for number in range(count)
    ]


def bad_events(chance: random.Random, name: str, *, count: int) -> list[dict[str, object]]:
    """Events that the collector rejects, each for a reason of its own."""
    attrs = {REQUEST: name, ITEM: "bad"}
    kinds: tuple[dict[str, object], ...] = (
        {"ts": "yesterday", "name": "page_view", "attrs": attrs},
        {"ts": 1, "name": "no spaces allowed", "attrs": attrs},
        {"ts": 1, "name": "page_view", "value": "much", "attrs": attrs},
    )
    return [dict(chance.choice(kinds)) for _ in range(count)]


def native(events: list[dict[str, object]], *, batch_id: str = "") -> Body:
    """A native batch of these events; without `batch_id` it has none."""
    head = {"batchId": batch_id} if batch_id else {}
    content = {**head, "sentAt": time.time_ns() // 1_000_000, "events": events}
    return Body("/v1/ingest/batch", "application/json", msgspec.json.encode(content))


def worth(events: list[dict[str, object]]) -> float:
    """What the values of good events come to."""
    return float(sum(int(str(event["value"])) for event in events))


def otlp(chance: random.Random, asked: Asked) -> Body:
    """`asked.items` spans, points or log records, as protobuf; sets `asked.total`."""
    now_ns = time.time_ns()
    values = [chance.randint(1, 1000) for _ in range(asked.items)]
    match asked.kind:
        case Kind.SPANS:
            content = _spans(chance, asked.name, now_ns, values)
        case Kind.POINTS:
            content = _points(asked.name, now_ns, values)
        case _:
            content = _logs(asked.name, now_ns, values)
    asked.total = float(sum(values))
    return Body(_PATHS[asked.kind], "application/x-protobuf", content)


def _marked(name: str, number: int) -> list[KeyValue]:
    return [
        KeyValue(key=REQUEST, value=AnyValue(string_value=name)),
        KeyValue(key=ITEM, value=AnyValue(string_value=str(number))),
    ]


def _service() -> list[KeyValue]:
    return [KeyValue(key="service.name", value=AnyValue(string_value="chaos"))]


def _spans(chance: random.Random, name: str, now_ns: int, values: list[int]) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.extend(_service())
    scope = resource.scope_spans.add()
    trace = chance.randbytes(16)
    for number, value in enumerate(values):
        scope.spans.append(
            Span(
                trace_id=trace,
                span_id=chance.randbytes(8),
                name="chaos",
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=now_ns - value,
                end_time_unix_nano=now_ns,
                attributes=_marked(name, number),
                events=[Span.Event(name="exception")] if value % 3 == 0 else [],
            )
        )
    return message.SerializeToString()


def _points(name: str, now_ns: int, values: list[int]) -> bytes:
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    resource.resource.attributes.extend(_service())
    metric = resource.scope_metrics.add().metrics.add()
    metric.name = "chaos.points"
    for number, value in enumerate(values):
        metric.gauge.data_points.append(
            NumberDataPoint(
                time_unix_nano=now_ns, as_double=value, attributes=_marked(name, number)
            )
        )
    return message.SerializeToString()


def _logs(name: str, now_ns: int, values: list[int]) -> bytes:
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.extend(_service())
    scope = resource.scope_logs.add()
    for number, value in enumerate(values):
        scope.log_records.append(
            LogRecord(
                time_unix_nano=now_ns,
                observed_time_unix_nano=now_ns,
                severity_number=9,  # type: ignore[arg-type]  # an enum's plain value
                body=AnyValue(string_value=str(value)),
                attributes=[*_marked(name, number), *(_KEY_ERROR if value % 3 == 0 else ())],
            )
        )
    return message.SerializeToString()
