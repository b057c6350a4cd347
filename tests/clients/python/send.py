"""Sends the workload of `tests/clients/workload.py` with the stock Python SDK and exporters."""

import os
import random
import time
from collections.abc import Callable
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SERVICE = os.environ["OTEL_SERVICE_NAME"]
SPANS, RECORDS, LINES, MEASUREMENTS = (
    int(os.environ[f"CLIENT_{name}"]) for name in ("SPANS", "RECORDS", "LINES", "MEASUREMENTS")
)


def exporters() -> tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]:
    """Of spans, metrics and logs; they read their settings from the environment."""
    if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter, OTLPMetricExporter, OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http import (
        _log_exporter,
        metric_exporter,
        trace_exporter,
    )

    return (
        trace_exporter.OTLPSpanExporter,
        metric_exporter.OTLPMetricExporter,
        _log_exporter.OTLPLogExporter,
    )


def fail(depth: int) -> None:
    """Raise from so many calls deep."""
    if depth:
        fail(depth - 1)
    raise ValueError("the cart is empty")


def send_spans(exporter: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("client")
    rng = random.Random(SERVICE)
    began = time.time_ns() - 60_000_000_000
    for i in range(1, SPANS + 1):
        attributes = {f"attribute.{k}": rng.randbytes(60).hex() for k in range(10)}
        span = tracer.start_span(f"op-{i % 3}", start_time=began, attributes=attributes)
        if i % 10 == 0:
            try:
                fail(20)
            except ValueError as error:
                span.record_exception(error)
        span.end(end_time=began + i * 1_000_000)
        if i % 2048 == 0:
            provider.force_flush()
    provider.shutdown()


def send_metrics(exporter: Any) -> None:
    view = View(Histogram, f"{SERVICE}.wait", aggregation=ExponentialBucketHistogramAggregation())
    reader = PeriodicExportingMetricReader(exporter)
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    meter = provider.get_meter("client")
    orders = meter.create_counter(f"{SERVICE}.orders")
    open_ = meter.create_up_down_counter(f"{SERVICE}.open")
    basket = meter.create_histogram(f"{SERVICE}.basket")
    wait = meter.create_histogram(f"{SERVICE}.wait")
    depth = meter.create_gauge(f"{SERVICE}.depth")
    for i in range(1, MEASUREMENTS + 1):
        queue = {"queue": i % 10}
        orders.add(2, queue)
        open_.add(1, queue)
        basket.record(i, queue)
        wait.record(i, queue)
        depth.set(i, queue)
    provider.shutdown()


def send_logs(exporter: Any) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("client")
    every = max(RECORDS // LINES, 1)
    for i in range(1, RECORDS + 1):
        logger.emit(severity_number=SeverityNumber.WARN, body=f"record {i}")
        if i % every == 0 and i // every <= LINES:
            body = f"line {i // every} " + "z" * 1_000_000
            logger.emit(severity_number=SeverityNumber.ERROR, body=body)
    provider.shutdown()


if __name__ == "__main__":
    spans, metrics, logs = exporters()
    send_spans(spans())
    send_metrics(metrics())
    send_logs(logs())
