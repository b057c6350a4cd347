"""The three OTLP services: what each is called, and where its messages keep what.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from seamark.wire.signals import Signal


@dataclass(frozen=True, slots=True)
class Kind:
    """One service. `resources`, `scopes` and `items` walk a parsed request to its items.

    `steps` are the same way on the wire: the numbers of the fields that lead from the request to
    its items, which for metrics are data points; a step of several numbers is a oneof.
    """

    signal: Signal
    path: str
    service: str
    noun: str
    request: type[Message]
    response: type[Message]
    rejected_field: str
    rejected_json: str
    resources: Callable[[Any], Any]
    scopes: Callable[[Any], Any]
    items: Callable[[Any], Any]
    steps: tuple[tuple[int, ...], ...] = ((1,), (2,), (2,))

    @property
    def descriptor(self) -> Descriptor:
        """What protobuf knows of the request's message."""
        found: Any = self.request.DESCRIPTOR
        return cast(Descriptor, found)


TRACES: Final = Kind(
    signal=Signal.TRACES,
    path="/v1/traces",
    service="opentelemetry.proto.collector.trace.v1.TraceService",
    noun="spans",
    request=trace_service_pb2.ExportTraceServiceRequest,
    response=trace_service_pb2.ExportTraceServiceResponse,
    rejected_field="rejected_spans",
    rejected_json="rejectedSpans",
    resources=attrgetter("resource_spans"),
    scopes=attrgetter("scope_spans"),
    items=attrgetter("spans"),
)
METRICS: Final = Kind(
    signal=Signal.METRICS,
    path="/v1/metrics",
    service="opentelemetry.proto.collector.metrics.v1.MetricsService",
    noun="data points",
    request=metrics_service_pb2.ExportMetricsServiceRequest,
    response=metrics_service_pb2.ExportMetricsServiceResponse,
    rejected_field="rejected_data_points",
    rejected_json="rejectedDataPoints",
    resources=attrgetter("resource_metrics"),
    scopes=attrgetter("scope_metrics"),
    items=attrgetter("metrics"),
    steps=((1,), (2,), (2,), (5, 7, 9, 10, 11), (1,)),
)
LOGS: Final = Kind(
    signal=Signal.LOGS,
    path="/v1/logs",
    service="opentelemetry.proto.collector.logs.v1.LogsService",
    noun="log records",
    request=logs_service_pb2.ExportLogsServiceRequest,
    response=logs_service_pb2.ExportLogsServiceResponse,
    rejected_field="rejected_log_records",
    rejected_json="rejectedLogRecords",
    resources=attrgetter("resource_logs"),
    scopes=attrgetter("scope_logs"),
    items=attrgetter("log_records"),
)
KINDS: Final = (TRACES, METRICS, LOGS)
