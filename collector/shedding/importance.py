"""What a request is worth when not all can be taken: one table. Pure.

| | refused from |
|---|---|
| spans, none of them an error | least |
| log records, all below WARN | least |
| metrics, events, log records from WARN | most |
| errors: a batch with an error event, a record from ERROR, a span with an error | all |

Spans and chatter go first: they are the most bytes, and rollups of what is left still show what
happens. Metrics and events go later: alerts and product numbers are made of them. Errors go last:
they are few, and what someone looks for afterwards. A request is taken or refused as a whole, by
the best that is in it.
"""

import enum
import re
from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.shedding.levels import Level
from seamark.wire.signals import Signal


class Importance(enum.StrEnum):
    """A class of requests; the label of a metric."""

    SPANS = "spans"
    CHATTER = "chatter"
    WARNINGS = "warnings"
    METRICS = "metrics"
    EVENTS = "events"
    ERRORS = "errors"


REFUSED_FROM: Final = {
    Importance.SPANS: Level.LEAST,
    Importance.CHATTER: Level.LEAST,
    Importance.WARNINGS: Level.MOST,
    Importance.METRICS: Level.MOST,
    Importance.EVENTS: Level.MOST,
    Importance.ERRORS: Level.ALL,
}
_WARN: Final = 13
_ERROR: Final = 17
"""https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_STATUS_ERROR: Final = 2
_ERROR_NAME: Final = r"(?:[a-z0-9._/:-]*[._/:-])?(?:error|exception|crash)s?"
_named_error: Final = re.compile(_ERROR_NAME, re.IGNORECASE).fullmatch
_holds_error: Final = re.compile(f'"name":"{_ERROR_NAME}"'.encode(), re.IGNORECASE).search


def importance(signal: Signal, body: bytes, names: Iterable[str] = ()) -> Importance:
    """The class of a request, from its body as it goes into the log, or its events' `names`.

    A native batch holds an error when the last part of an event's name is error, exception or
    crash: `exception`, `js_error`, `app.crash`. Reads OTLP bodies anew: a microsecond a span, which
    is spent only while something is refused.
    """
    if signal is Signal.METRICS:
        return Importance.METRICS
    if signal is Signal.EVENTS:
        error = _holds_error(body) or any(_named_error(name) for name in names)
        return Importance.ERRORS if error else Importance.EVENTS
    try:
        return _of_spans(body) if signal is Signal.TRACES else _of_records(body)
    except DecodeError:  # a body of ours always decodes
        return Importance.EVENTS


def _of_spans(body: bytes) -> Importance:
    request: Any = ExportTraceServiceRequest.FromString(body)
    error = any(
        span.status.code == _STATUS_ERROR or any(e.name == "exception" for e in span.events)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    return Importance.ERRORS if error else Importance.SPANS


def _of_records(body: bytes) -> Importance:
    request: Any = ExportLogsServiceRequest.FromString(body)
    worst = max(
        (
            record.severity_number
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ),
        default=0,
    )
    if worst >= _ERROR:
        return Importance.ERRORS
    return Importance.WARNINGS if worst >= _WARN else Importance.CHATTER
