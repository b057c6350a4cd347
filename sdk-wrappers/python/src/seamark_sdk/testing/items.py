"""Events, spans, data points and log records as tests look at them, read from requests. Pure."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

OTLP: Final[Mapping[str, tuple[str, str, Any]]] = {
    "/v1/traces": ("resourceSpans", "scopeSpans", ExportTraceServiceRequest),
    "/v1/metrics": ("resourceMetrics", "scopeMetrics", ExportMetricsServiceRequest),
    "/v1/logs": ("resourceLogs", "scopeLogs", ExportLogsServiceRequest),
}
_POINTS: Final = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `kind` is event, span, metric or log; `document` is all of it, as JSON."""

    kind: str
    name: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)


def read_native(batch: Mapping[str, Any]) -> list[Item]:
    """The events of a native batch."""
    return [
        Item("event", str(event.get("name", "")), event.get("attrs") or {}, document=event)
        for event in batch.get("events", ())
        if isinstance(event, dict)
    ]


def read_otlp(path: str, body: bytes, *, as_json: bool) -> list[Item]:
    """The items of an OTLP request, inflated. Raises ValueError for what is none."""
    resources, scopes, message = OTLP[path]
    if as_json:
        document = json.loads(body)
    else:
        try:
            document = MessageToDict(message.FromString(body))
        except DecodeError as error:
            raise ValueError(f"not a request of {path}: {error}") from None
    found: list[Item] = []
    for one in document.get(resources, ()):
        resource = _attributes(one.get("resource", {}))
        for scope in one.get(scopes, ()):
            found += [
                Item(kind, name, attributes, resource, item)
                for kind, name, attributes, item in _items(scope, as_json)
            ]
    return found


def _items(
    scope: Mapping[str, Any], as_json: bool
) -> Iterator[tuple[str, str, dict[str, Any], Mapping[str, Any]]]:
    for span in scope.get("spans", ()):
        yield "span", span.get("name", ""), _attributes(span), _with_hex_ids(span, as_json)
    for record in scope.get("logRecords", ()):
        name = record.get("eventName", "")
        yield "log", name, _attributes(record), _with_hex_ids(record, as_json)
    for metric in scope.get("metrics", ()):
        for points in _POINTS:
            for point in metric.get(points, {}).get("dataPoints", ()):
                yield "metric", metric.get("name", ""), _attributes(point), point


def _with_hex_ids(item: Mapping[str, Any], as_json: bool) -> Mapping[str, Any]:
    """Ids as hex: OTLP/JSON has them so, protobuf's own JSON as base64."""
    ids = (
        {} if as_json else {k: item[k] for k in ("traceId", "spanId", "parentSpanId") if k in item}
    )
    return {**item, **{key: base64.b64decode(text).hex() for key, text in ids.items()}}


def _attributes(owner: Mapping[str, Any]) -> dict[str, Any]:
    return {one["key"]: _value(one.get("value", {})) for one in owner.get("attributes", ())}


def _value(value: Mapping[str, Any]) -> Any:
    for kind, told in value.items():
        match kind:
            case "intValue":
                return int(told)
            case "arrayValue":
                return [_value(one) for one in told.get("values", ())]
            case "kvlistValue":
                return {one["key"]: _value(one.get("value", {})) for one in told.get("values", ())}
            case _:
                return told
    return None
