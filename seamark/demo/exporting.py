"""OpenTelemetry SDK exporters that count what was accepted, and the providers of one service.

The exporters are the stock ones; the wrappers only look at the result, because the SDK itself
keeps no count of what it delivered.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator

from seamark.demo.access import DemoAccess
from seamark.demo.tally import DemoTally

_QUEUE = 65_536
"""Items a processor holds. The shop flushes long before, so that nothing is dropped unseen."""
EXPONENTIAL = "shop.order.value"


class SeededIds(IdGenerator):
    """Trace and span ids from a source of randomness that is set before each trace."""

    def __init__(self) -> None:
        self.rng = random.Random(0)

    def generate_span_id(self) -> int:
        """64 random bits, never zero."""
        return self.rng.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """128 random bits, never zero."""
        return self.rng.getrandbits(128) or 1


class _Spans(SpanExporter):
    def __init__(self, inner: SpanExporter, tally: DemoTally, service: str) -> None:
        self._inner, self._tally, self._service = inner, tally, service

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        self._tally.exported(
            "spans", self._service, len(spans), ok=result is SpanExportResult.SUCCESS
        )
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class _Logs(LogRecordExporter):
    def __init__(self, inner: LogRecordExporter, tally: DemoTally, service: str) -> None:
        self._inner, self._tally, self._service = inner, tally, service

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = self._inner.export(batch)
        self._tally.exported(
            "logs", self._service, len(batch), ok=result is LogRecordExportResult.SUCCESS
        )
        return result

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]  # its signature has no types


class _Metrics(MetricExporter):
    def __init__(
        self,
        inner: MetricExporter,
        tally: DemoTally,
        service: str,
        *,
        temporality: dict[type, AggregationTemporality],
    ) -> None:
        super().__init__(preferred_temporality=temporality)
        self._inner, self._tally, self._service = inner, tally, service

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        result = self._inner.export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        points = sum(
            len(metric.data.data_points)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        self._tally.exported(
            "points", self._service, points, ok=result is MetricExportResult.SUCCESS
        )
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._inner.shutdown(timeout_millis, **kwargs)


@dataclass(frozen=True, slots=True)
class Providers:
    """The SDK of one service."""

    service: str
    traces: TracerProvider
    logs: LoggerProvider
    metrics: MeterProvider

    def flush(self) -> None:
        """Export everything there is, metrics as of now. Blocks on the network."""
        self.traces.force_flush()
        self.logs.force_flush()
        self.metrics.force_flush()

    def shutdown(self) -> None:
        """Export what is left and end the SDK's threads. Blocks."""
        self.traces.shutdown()
        self.logs.shutdown()
        self.metrics.shutdown()


def exporting_providers(
    service: str, version: str, ids: SeededIds, *, access: DemoAccess, tally: DemoTally
) -> Providers:
    """Providers of `service` that export to the stack and count in `tally`.

    The gateway exports over gRPC and reports sums and histograms as deltas; the others over HTTP
    and cumulatively: both are in the data. Metrics are exported at flushes alone.
    """
    resource = Resource.create(
        {
            "service.name": service,
            "service.version": version,
            "deployment.environment.name": "demo",
        }
    )
    spans: SpanExporter
    logs: LogRecordExporter
    points: MetricExporter
    temporality: dict[type, AggregationTemporality] = {}
    if service == "gateway":
        headers = (("x-api-key", access.key),)
        plain = access.grpc_url.startswith("http://")
        temporality = {
            SdkCounter: AggregationTemporality.DELTA,
            Histogram: AggregationTemporality.DELTA,
        }
        spans = GrpcSpans(endpoint=access.grpc_url, insecure=plain, headers=headers)
        logs = GrpcLogs(endpoint=access.grpc_url, insecure=plain, headers=headers)
        points = GrpcMetrics(endpoint=access.grpc_url, insecure=plain, headers=headers)
    else:
        key = {"X-API-Key": access.key}
        url = access.ingest_url
        spans = HttpSpans(endpoint=f"{url}/v1/traces", headers=key)
        logs = HttpLogs(endpoint=f"{url}/v1/logs", headers=key)
        points = HttpMetrics(endpoint=f"{url}/v1/metrics", headers=key)
    traces = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
    traces.add_span_processor(
        BatchSpanProcessor(_Spans(spans, tally, service), max_queue_size=_QUEUE)
    )
    records = LoggerProvider(resource=resource, shutdown_on_exit=False)
    records.add_log_record_processor(
        BatchLogRecordProcessor(_Logs(logs, tally, service), max_queue_size=_QUEUE)
    )
    reader = PeriodicExportingMetricReader(
        _Metrics(points, tally, service, temporality=temporality), export_interval_millis=math.inf
    )
    view = View(instrument_name=EXPONENTIAL, aggregation=ExponentialBucketHistogramAggregation())
    meters = MeterProvider([reader], resource=resource, views=[view], shutdown_on_exit=False)
    return Providers(service, traces, records, meters)
