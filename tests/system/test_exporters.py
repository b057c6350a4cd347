"""The stock OpenTelemetry SDK and exporters against a whole stack: as recorded, so told.

Three signals over both transports, nothing of them changed; counts and sums are exact, quantiles
within 1 %.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.system.stack import Stack

pytestmark = pytest.mark.system
SPANS = 2_000
RECORDS = 300
POINTS = range(1, 1_001)
Exporters = tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]


def exporters(stack: Stack, transport: str) -> Exporters:
    key = stack.credentials["ingest_key"]
    if transport == "grpc":
        grpc = {"endpoint": stack.urls.grpc, "insecure": True, "headers": (("x-api-key", key),)}
        return (
            lambda: GrpcSpans(**grpc),  # type: ignore[arg-type]  # one dictionary for three
            lambda: GrpcMetrics(**grpc),  # type: ignore[arg-type]
            lambda: GrpcLogs(**grpc),  # type: ignore[arg-type]
        )
    base, headers = stack.urls.ingest, {"x-api-key": key}
    return (
        lambda: HttpSpans(f"{base}/v1/traces", headers=headers),
        lambda: HttpMetrics(f"{base}/v1/metrics", headers=headers),
        lambda: HttpLogs(f"{base}/v1/logs", headers=headers),
    )


def send(made: Exporters, service: str) -> None:
    """Spans of 1 … SPANS ms, a counter, a histogram of POINTS, and RECORDS log records."""
    spans, metrics, logs = made
    resource = Resource({"service.name": service})
    tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracing.add_span_processor(BatchSpanProcessor(spans()))
    tracer = tracing.get_tracer("test")
    started = time.time_ns() - 60_000_000_000
    for number in range(1, SPANS + 1):
        span = tracer.start_span(f"op-{number % 3}", start_time=started)
        span.end(end_time=started + number * 1_000_000)
        if number % 500 == 0:
            assert tracing.force_flush()
    tracing.shutdown()

    reader = PeriodicExportingMetricReader(metrics(), export_interval_millis=3_600_000)
    metering = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = metering.get_meter("test")
    counter = meter.create_counter(f"{service}.orders")
    histogram = meter.create_histogram(f"{service}.basket")
    for value in POINTS:
        counter.add(2)
        histogram.record(value)
    assert metering.force_flush()
    metering.shutdown()

    logging = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logging.add_log_record_processor(BatchLogRecordProcessor(logs()))
    logger = logging.get_logger("test")
    for number in range(RECORDS):
        logger.emit(severity_number=SeverityNumber.WARN, body=f"record {number}")
    assert logging.force_flush()
    logging.shutdown()


@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_what_the_sdk_recorded_is_what_the_api_answers(stack: Stack, transport: str) -> None:
    service = f"exporters-{transport}"
    send(exporters(stack, transport), service)
    headers = {"Authorization": f"Bearer {stack.credentials['query_token']}"}
    async with aiohttp.ClientSession(stack.urls.api, headers=headers) as session:

        async def ask(path: str, question: Mapping[str, object]) -> Any:
            asked = {"from": "now-1h", "to": "now"} | dict(question)
            async with session.post(path, json=asked) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        async def whole(question: Mapping[str, object]) -> list[float]:
            """The one row of a question over everything."""
            answer = await ask(
                "/v1/query/timeseries", {"granularity": "30d", "cache": False} | dict(question)
            )
            assert len(answer["series"]) <= 1
            rows = [row for series in answer["series"] for row in series["rows"]]
            return [float(value) for value in rows[-1][1:]] if len(rows) == 1 else []

        spans = {
            "metric": "traces.span.duration",
            "filters": [{"key": "service", "op": "=", "value": service}],
            "agg": ["count", "sum", "p50", "p95", "p99"],
        }
        count, total, *quantiles = await _until(lambda: whole(spans), lambda r: r[0] == SPANS)
        assert total == pytest.approx(SPANS * (SPANS + 1) / 2, rel=1e-9)
        exact = [SPANS * level for level in (0.5, 0.95, 0.99)]
        assert quantiles == pytest.approx(exact, rel=0.0105)
        assert count == SPANS

        basket = {"metric": f"{service}.basket", "agg": ["count", "sum"]}
        found = await _until(lambda: whole(basket), lambda r: r[0] == len(POINTS))
        assert found == [len(POINTS), sum(POINTS)]
        orders = {"metric": f"{service}.orders", "agg": ["sum"]}
        assert await _until(lambda: whole(orders), bool) == [2 * len(POINTS)]

        async def bodies() -> list[str]:
            asked = {"service": service, "limit": 1000}
            answer = await ask("/v1/query/logs", asked)
            return [record["body"] for record in answer["logs"]]

        told = await _until(bodies, lambda records: len(records) >= RECORDS)
        assert sorted(told) == sorted(f"record {number}" for number in range(RECORDS))


async def _until(ask: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    """Ask until there is enough, or for twenty seconds; the last answer either way."""
    deadline = time.monotonic() + 20
    while True:
        answer = await ask()
        if (answer and enough(answer)) or time.monotonic() > deadline:
            return answer
