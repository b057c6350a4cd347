"""OTLP requests in protobuf, built once and sent many times.

Ids and times are fixed-width fields, so they are patched in place: every request gets trace ids
(or record ids) of its own, and a template whose times are older than a second gets new ones. The
offsets are found by encoding the message with marker values that occur nowhere else.
"""

import random
import struct
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    NumberDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from load.bodies import LoadRequest, Target, http_head

PATHS: Final = {"traces": "/v1/traces", "logs": "/v1/logs", "metrics": "/v1/metrics"}
SPANS_PER_TRACE: Final = 10
_ID_MARK: Final = b"\xa5SEAMARK"
_TIME_MARK: Final = 0xA55A_0000_0000_0000
"""Times are encoded as this plus nanoseconds before the request, then patched."""
_REFRESH_NS: Final = 1_000_000_000
_METHODS: Final = ("GET", "POST", "PUT")
_ROUTES: Final = ("/items", "/items/{id}", "/cart", "/orders", "/orders/{id}", "/search")


def service_names(run: str) -> tuple[str, ...]:
    """The services that the OTLP data of a run names."""
    return tuple(f"load-{run}-{part}" for part in ("gateway", "catalog", "orders", "payments"))


def metric_name(run: str) -> str:
    """The metric that the points of a run belong to."""
    return f"load.{run}.requests"


def _attributes(**values: str | int) -> list[KeyValue]:
    return [
        KeyValue(
            key=key.replace("__", "."),
            value=AnyValue(string_value=value)
            if isinstance(value, str)
            else AnyValue(int_value=value),
        )
        for key, value in values.items()
    ]


def _eight(rng: random.Random) -> list[KeyValue]:
    """Eight attributes, as an HTTP server's span carries them."""
    return _attributes(
        http__request__method=rng.choice(_METHODS),
        http__route=rng.choice(_ROUTES),
        http__response__status_code=rng.choice((200, 200, 200, 200, 201, 404, 500)),
        url__scheme="https",
        server__address="shop.example",
        client__address=f"192.0.2.{rng.randrange(255)}",
        network__protocol__version="1.1",
        user_agent__original="Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Firefox/144.0",
    )


def _resource(service: str) -> Resource:
    return Resource(
        attributes=_attributes(
            service__name=service,
            service__version="2.4.1",
            deployment__environment__name="load",
        )
    )


def _trace_body(rng: random.Random, run: str, items: int) -> bytes:
    message = ExportTraceServiceRequest()
    names = service_names(run)
    scopes = []
    for name in names:
        resource = message.resource_spans.add()
        resource.resource.CopyFrom(_resource(name))
        scope = resource.scope_spans.add()
        scope.scope.name = "load"
        scopes.append(scope)
    parent = b""
    for index in range(items):
        trace = _ID_MARK + struct.pack(">Q", rng.getrandbits(32) << 32 | index // SPANS_PER_TRACE)
        if index % SPANS_PER_TRACE == 0:
            parent, trace_id = b"", trace
        span_id = rng.randbytes(8)
        start = rng.randrange(1_000_000, 400_000_000)
        failed = rng.random() < 0.02
        scopes[index % len(scopes)].spans.append(
            Span(
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=parent,
                name=f"{rng.choice(_METHODS)} {rng.choice(_ROUTES)}",
                kind=Span.SPAN_KIND_SERVER if index % 2 == 0 else Span.SPAN_KIND_CLIENT,
                start_time_unix_nano=_TIME_MARK + start,
                end_time_unix_nano=_TIME_MARK + rng.randrange(start),
                attributes=_eight(rng),
                status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_OK),
            )
        )
        parent = span_id
    return message.SerializeToString()


def _log_body(rng: random.Random, run: str, items: int) -> bytes:
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.CopyFrom(_resource(service_names(run)[0]))
    scope = resource.scope_logs.add()
    scope.scope.name = "load"
    for _ in range(items):
        number, text = rng.choice(((9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR")))
        scope.log_records.append(
            LogRecord(
                time_unix_nano=_TIME_MARK + rng.randrange(500_000_000),
                observed_time_unix_nano=_TIME_MARK,
                severity_number=number,  # type: ignore[arg-type]  # an enum's plain value
                severity_text=text,
                body=AnyValue(
                    string_value=f"order {rng.getrandbits(24)} for {rng.randrange(500)} EUR "
                    f"left {rng.choice(_ROUTES)} after {rng.randrange(900)} ms"
                ),
                attributes=_eight(rng),
                trace_id=_ID_MARK + rng.randbytes(8),
                span_id=rng.randbytes(8),
            )
        )
    return message.SerializeToString()


def _metric_body(rng: random.Random, run: str, items: int) -> bytes:
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    resource.resource.CopyFrom(_resource(service_names(run)[0]))
    scope = resource.scope_metrics.add()
    scope.scope.name = "load"
    metric = scope.metrics.add()
    metric.name, metric.unit = metric_name(run), "{request}"
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    for index in range(items):
        metric.sum.data_points.append(
            NumberDataPoint(
                start_time_unix_nano=_TIME_MARK + 60_000_000_000,
                time_unix_nano=_TIME_MARK + rng.randrange(500_000_000),
                as_int=rng.randrange(1_000_000),
                attributes=_attributes(
                    http__route=_ROUTES[index % len(_ROUTES)],
                    http__request__method=_METHODS[index // len(_ROUTES) % len(_METHODS)],
                    region=f"region-{index % 5}",
                ),
            )
        )
    return message.SerializeToString()


_BUILDERS: Final = {"traces": _trace_body, "logs": _log_body, "metrics": _metric_body}


def offsets(body: bytes, mark: bytes) -> list[int]:
    """Every position at which `mark` begins."""
    found, at = [], body.find(mark)
    while at >= 0:
        found.append(at)
        at = body.find(mark, at + len(mark))
    return found


class OtlpRequest:
    """One OTLP/HTTP request in protobuf, uncompressed."""

    def __init__(self, target: Target, kind: str, run: str, *, items: int, seed: int) -> None:
        rng = random.Random(seed)
        body = _BUILDERS[kind](rng, run, items)
        start = http_head(
            target,
            PATHS[kind],
            content_type="application/x-protobuf",
            length=len(body),
            agent="seamark-load/1",
        )
        self.items = items
        self._buffer = bytearray(start + body)
        self._ids = [len(start) + at for at in offsets(body, _ID_MARK)]
        # The mark is the high 16 bits of a little-endian fixed64: its last two bytes.
        self._times = []
        high = struct.pack("<H", _TIME_MARK >> 48)
        for end in offsets(body, high):
            at = end - 6
            (value,) = struct.unpack_from("<Q", body, at) if at > 0 else (0,)
            # A tag of a fixed64 field stands before every time, and ages are under two minutes.
            if body[at - 1] & 7 == 1 and 0 <= value - _TIME_MARK < 1 << 37:
                self._times.append((len(start) + at, value - _TIME_MARK))
        self._salt = rng.getrandbits(63)
        self._fresh_until = -1

    @property
    def patched(self) -> tuple[int, int]:
        """How many ids and how many times are rewritten."""
        return len(self._ids), len(self._times)

    def wire(self, number: int, now_ns: int) -> bytearray:
        """See `load.bodies.Request`."""
        buffer = self._buffer
        if now_ns >= self._fresh_until:
            self._fresh_until = now_ns + _REFRESH_NS
            for at, age_ns in self._times:
                buffer[at : at + 8] = (now_ns - age_ns).to_bytes(8, "little")
        unique = ((self._salt + number) & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big")
        for at in self._ids:
            buffer[at : at + 8] = unique
        return buffer


def otlp_requests(
    target: Target, kind: str, run: str, *, items: int, count: int, seed: int
) -> list[LoadRequest]:
    """`count` different requests of one signal: traces, logs or metrics."""
    return [
        OtlpRequest(target, kind, run, items=items, seed=seed * 10_007 + n) for n in range(count)
    ]
