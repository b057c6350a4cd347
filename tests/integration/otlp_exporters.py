"""Everyday telemetry through the SDK's unmodified exporters, one signal at a time."""

from collections.abc import Callable
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

RESOURCE = Resource({"service.name": "shop"})


def export_spans(exporter: Any, count: int) -> bool:
    """Spans in one request; whether the exporter calls it a success."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    for number in range(count):
        with tracer.start_as_current_span("GET /cart", attributes={"n": number}) as span:
            span.add_event("retry", {"attempt": 2})
    return bool(exporter.export(kept.get_finished_spans()).name == "SUCCESS")


def export_points(exporter: Any, count: int) -> bool:
    """A counter and a histogram with so many data points together (an even number)."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    meter = provider.get_meter("test")
    counter, histogram = meter.create_counter("items"), meter.create_histogram("latency")
    for number in range(count // 2):
        counter.add(1, {"n": number})
        histogram.record(0.5, {"n": number})
    return bool(exporter.export(reader.get_metrics_data()).name == "SUCCESS")


def export_records(exporter: Any, count: int) -> bool:
    """Log records, one request each."""
    results: list[Any] = []
    export: Callable[[Any], Any] = exporter.export

    def exporting(batch: Any) -> Any:
        results.append(export(batch))
        return results[-1]

    exporter.export = exporting
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("test")
    for number in range(count):
        logger.emit(severity_number=SeverityNumber.WARN, body={"n": number, "list": [1, "x"]})
    return len(results) == count and all(result.name == "SUCCESS" for result in results)
