"""What questions about services and errors are answered with; part of `/openapi.json`."""

import msgspec

from api.answers import Meta


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """Rate (per second), errors and duration (ms). `operation` is empty for a service as a whole.

    `traceId`: a trace to look at.
    """

    service: str
    operation: str
    calls: int | float
    rate: float
    errors: int | float
    error_rate: float
    mean_ms: float
    max_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    trace_id: str


class ServicesAnswer(msgspec.Struct, frozen=True):
    """Services or operations, the ones called most first."""

    services: list[Service]
    meta: Meta


class Edge(msgspec.Struct, frozen=True, rename="camel"):
    """Calls of one service by another; durations are those of what was called."""

    client: str
    server: str
    calls: int | float
    errors: int | float
    p50_ms: float
    p95_ms: float
    trace_id: str


class ServicemapAnswer(msgspec.Struct, frozen=True):
    """Services and the calls between them, the most frequent first."""

    nodes: list[Service]
    edges: list[Edge]
    meta: Meta


class ReleaseErrors(msgspec.Struct, frozen=True):
    """Errors of a release (empty: without one), what they are measured against, and their share.

    `rate` is null where there is nothing to measure against; it is above 1 where there are more
    errors than views.
    """

    release: str
    errors: int | float
    against: int | float
    rate: float | None


class ErrorSample(msgspec.Struct, frozen=True, rename="camel"):
    """One occurrence. `time`: epoch ms. A trace and span where it came in one."""

    time: int
    event_id: str
    trace_id: str
    span_id: str
    release: str
    message: str
    stacktrace: str


class ErrorGroup(msgspec.Struct, frozen=True, rename="camel"):
    """Errors that are one and the same. Times are epoch ms, of the range alone.

    `newIn`: the release it is new in, empty if it is not. `service` is empty for native events.
    """

    fingerprint: str
    app: str
    service: str
    type: str
    message: str
    frame: str
    count: int | float
    people: int
    first_seen: int
    last_seen: int
    releases: list[str]
    new_in: str
    sample: ErrorSample


class ErrorsAnswer(msgspec.Struct, frozen=True):
    """Rates of native error events, of all and by release; and groups, the most frequent first."""

    total: ReleaseErrors
    releases: list[ReleaseErrors]
    groups: list[ErrorGroup]
    meta: Meta
