"""OpenTelemetry's SDK, set up so that its exporters put into the spool."""

import os
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from seamark_sdk.client import Client
from seamark_sdk.spooling_session import SpoolingSession
from seamark_sdk.version import NAME, VERSION


class Telemetry:
    """The three providers, made the process's own; those that OTEL_*_EXPORTER=none are not."""

    def __init__(self, client: Client) -> None:
        settings = client.settings
        told = {
            "service.name": settings.service,
            "service.version": settings.release,
            "deployment.environment.name": settings.environment,
            "telemetry.distro.name": NAME,
            "telemetry.distro.version": VERSION,
        }
        self._resource = Resource.create({name: value for name, value in told.items() if value})
        self._client = client
        self._flushes: list[Callable[[], object]] = []
        self._ends: list[Callable[[], object]] = []
        if _wanted("traces"):
            self._traces()
        if _wanted("metrics"):
            self._metrics()
        if _wanted("logs"):
            self._logs()

    def _session(self, kind: str) -> SpoolingSession:
        return SpoolingSession(self._client, kind)

    def _traces(self) -> None:
        sampler = None  # OTEL_TRACES_SAMPLER, else every span
        if "OTEL_TRACES_SAMPLER" not in os.environ and self._client.settings.sample_rate < 1:
            sampler = ParentBased(TraceIdRatioBased(self._client.settings.sample_rate))
        provider = TracerProvider(resource=self._resource, sampler=sampler, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(
            endpoint="http://spool.invalid",
            session=self._session("traces"),
            compression=Compression.Gzip,
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        self._add(provider)

    def _metrics(self) -> None:
        exporter = OTLPMetricExporter(
            endpoint="http://spool.invalid",
            session=self._session("metrics"),
            compression=Compression.Gzip,
        )
        provider = MeterProvider(
            metric_readers=[PeriodicExportingMetricReader(exporter)],
            resource=self._resource,
            shutdown_on_exit=False,
        )
        metrics.set_meter_provider(provider)
        self._add(provider)

    def _logs(self) -> None:
        exporter = OTLPLogExporter(
            endpoint="http://spool.invalid",
            session=self._session("logs"),
            compression=Compression.Gzip,
        )
        provider = LoggerProvider(resource=self._resource, shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        _logs.set_logger_provider(provider)
        self._add(provider)

    def _add(self, provider: TracerProvider | MeterProvider | LoggerProvider) -> None:
        self._flushes.append(provider.force_flush)
        self._ends.append(provider.shutdown)

    def flush(self) -> None:
        """Put what the SDK holds into the spool."""
        for flush in self._flushes:
            flush()

    def shutdown(self) -> None:
        """The same, for the last time."""
        for end in self._ends:
            end()


def _wanted(signal: str) -> bool:
    return os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower() != "none"


def instrument() -> list[str]:
    """Switch on every installed instrumentation (entry points); the names of those that are on."""
    disabled = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")
    off = {name.strip() for name in disabled}
    return [
        point.name
        for point in entry_points(group="opentelemetry_instrumentor")
        if point.name not in off and _instrument(point)
    ]


def _instrument(point: EntryPoint) -> bool:
    try:
        instrumentor = point.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            return False
        instrumentor.instrument()  # says in the log where the library it is for is missing
    except Exception:  # one broken instrumentation is no reason to stop an app
        return False
    return bool(instrumentor.is_instrumented_by_opentelemetry)
