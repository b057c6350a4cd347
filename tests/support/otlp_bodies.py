"""OTLP requests of every kind of metric, of two traces and of log records, from 10:00 of a day."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    Metric,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.otlp_values import attributes

NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
START = NOW // 3_600_000 * 3_600_000  # 10:00
MS = 1_000_000
MINUTE_NS = 60_000 * MS
DELTA, CUMULATIVE = AGGREGATION_TEMPORALITY_DELTA, AGGREGATION_TEMPORALITY_CUMULATIVE
TRACE, OTHER_TRACE = bytes(range(16)), bytes(range(1, 17))


def resource(service: str) -> Resource:
    return Resource(attributes=attributes({"zone": "eu", "service.name": service}))


def at(minute: float) -> int:
    """Nanoseconds of a minute after 10:00."""
    return START * MS + int(minute * MINUTE_NS)


def metrics_body() -> bytes:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add(resource=resource("cart"))
    scope = resource_metrics.scope_metrics.add()

    def metric(name: str, unit: str = "1") -> Metric:
        return scope.metrics.add(name=name, unit=unit)

    for minute, value in ((1.1, 10.0), (1.6, 20.0), (2.5, 40.0)):
        metric("queue.size").gauge.data_points.add(
            time_unix_nano=at(minute), as_double=value, attributes=attributes({"host": "a"})
        )
    delta = metric("bytes.sent", "By").sum
    delta.aggregation_temporality, delta.is_monotonic = DELTA, True
    for minute, count in ((1.0, 600), (1.5, 600), (2.0, 60)):
        delta.data_points.add(time_unix_nano=at(minute), as_int=count)
    running = metric("requests").sum
    running.aggregation_temporality, running.is_monotonic = CUMULATIVE, True
    # began more than a day before; restarts at 5.2 and counts from zero
    for minute, total, began in (
        (0.5, 1000, -2000), (1.5, 1060, -2000), (2.5, 1180, -2000), (4.5, 1180, -2000),
        (5.5, 30, 5.2), (6.5, 90, 5.2),
    ):  # fmt: skip
        running.data_points.add(
            time_unix_nano=at(minute), start_time_unix_nano=at(began), as_int=total,
            attributes=attributes({"route": "/a"}),
        )  # fmt: skip
    # another series, born in minute 3
    for minute, total in ((3.5, 5), (4.5, 12)):
        running.data_points.add(
            time_unix_nano=at(minute), start_time_unix_nano=at(3.0), as_int=total,
            attributes=attributes({"route": "/b"}),
        )  # fmt: skip
    level = metric("connections").sum
    level.aggregation_temporality, level.is_monotonic = CUMULATIVE, False
    for minute, value in ((1.2, 7), (1.8, 3)):
        level.data_points.add(time_unix_nano=at(minute), start_time_unix_nano=at(0), as_int=value)
    histograms(metric)
    return request.SerializeToString()


def histograms(metric: Any) -> None:
    delta = metric("latency", "ms").histogram
    delta.aggregation_temporality = DELTA
    for minute, counts, total in (
        (1.3, [0, 0, 100, 0, 0], 1500.0),
        (2.3, [0, 100, 0, 0, 4], 900.0),
    ):
        delta.data_points.add(
            time_unix_nano=at(minute), count=sum(counts), sum=total, min=6, max=400,
            explicit_bounds=[5, 10, 20, 50], bucket_counts=counts,
        )  # fmt: skip
    running = metric("duration", "ms").histogram
    running.aggregation_temporality = CUMULATIVE
    for minute, counts, total in (
        (0.5, [10, 0, 0], 40.0), (1.5, [10, 100, 0], 840.0), (2.5, [10, 100, 50], 2340.0),
    ):  # fmt: skip
        running.data_points.add(
            time_unix_nano=at(minute), start_time_unix_nano=at(-2000), count=sum(counts), sum=total,
            explicit_bounds=[5, 10], bucket_counts=counts,
        )  # fmt: skip
    powers = metric("size", "By").exponential_histogram
    powers.aggregation_temporality = DELTA
    point = powers.data_points.add(
        time_unix_nano=at(1.4), count=100, sum=600, scale=0, zero_count=0
    )
    point.positive.offset = 2  # (4, 8]
    point.positive.bucket_counts.extend([100])


def traces_body() -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add(resource=resource("web")).scope_spans.add()
    spans.scope.name = "http"
    root = spans.spans.add(
        trace_id=TRACE, span_id=b"\1" * 8, name="GET /cart", kind=2,
        start_time_unix_nano=at(2) + 7, end_time_unix_nano=at(2) + 250 * MS + 7,
        attributes=attributes({"http.route": "/cart"}),
    )  # fmt: skip
    root.status.code = Status.STATUS_CODE_ERROR
    root.status.message = "boom"
    event = root.events.add(time_unix_nano=at(2) + 9, name="exception")
    event.attributes.extend(attributes({"exception.type": "KeyError"}))
    root.links.add(trace_id=OTHER_TRACE, span_id=b"\3" * 8, attributes=attributes({"why": "retry"}))
    cart = request.resource_spans.add(resource=resource("cart")).scope_spans.add()
    cart.spans.add(
        trace_id=TRACE, span_id=b"\2" * 8, parent_span_id=b"\1" * 8, name="load", kind=1,
        start_time_unix_nano=at(2) + 50 * MS, end_time_unix_nano=at(2) + 90 * MS,
    )  # fmt: skip
    cart.spans.add(
        trace_id=OTHER_TRACE, span_id=b"\3" * 8, name="load", kind=1,
        start_time_unix_nano=at(3), end_time_unix_nano=at(3) + 10 * MS,
    )  # fmt: skip
    return request.SerializeToString()


LOGS = 25


def logs_body() -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=resource("cart")).scope_logs.add()
    for i in range(LOGS):
        scope.log_records.add(
            time_unix_nano=at(1) + i // 5,  # five records to each nanosecond
            observed_time_unix_nano=at(1) + 99,
            severity_number=(9, 13, 17)[i % 3],
            severity_text=("INFO", "WARN", "ERROR")[i % 3],
            body=AnyValue(string_value=f"Order {i} of 100%_done\\"),
            attributes=attributes({"number": str(i), "tier": "gold" if i % 2 else "free"}),
            trace_id=TRACE if i == 4 else b"",
            span_id=b"\1" * 8 if i == 4 else b"",
        )
    return request.SerializeToString()
