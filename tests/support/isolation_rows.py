"""Rows of two orgs that are alike in everything a question can name, but for what they say.

Rows of others say `OTHERS` (another org) or `SIBLINGS` (another app of the same org) in
every text and a number of its own in every value, under the same names, times, people, sessions,
traces, spans and receipts as the asker. So whatever slips through is either seen as such, or shifts
a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    Metric,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal
from tests.support.ledger import receipt_id

NOW: Final = 1_795_343_040_123
"""2026-11-22T10:24:00.123Z."""
MINUTE: Final = 60_000
THEN: Final = NOW - 29 * MINUTE
OTHERS: Final = "zq9secret"
SIBLINGS: Final = "zq2secret"
ORG: Final = "acme"
APP: Final = "shop"
TRACE: Final = bytes(range(16))
"""A trace that everybody has spans in."""
_NS: Final = 1_000_000


@dataclass(frozen=True)
class Tenant:
    """One app of an org, what it says, and a number that only it has (a multiple of 1/2)."""

    org: str
    app: str
    says: str
    number: int

    @property
    def own_trace(self) -> bytes:
        return self.number.to_bytes(16, "big")

    @property
    def own_receipt(self) -> int:
        return 1000 + self.number % 1000


MINE: Final = Tenant(ORG, APP, "mine", 3)
SIBLING_TENANTS: Final = tuple(
    Tenant(ORG, app, SIBLINGS, 200_200_000 + place)
    for place, app in enumerate(("blog", "sho", "shop2", "Shop", "shop'", f"{SIBLINGS}-app"))
)
OTHER_TENANTS: Final = tuple(
    Tenant(org, app, OTHERS, 900_900_100 + place)
    for place, (org, app) in enumerate(
        (
            ("other", APP),
            ("other", f"{OTHERS}-app"),
            ("acm", APP),
            ("acme2", APP),
            ("Acme", APP),
            ("acme ", APP),
            ("acme'", APP),
            ("acme' OR org != '", APP),
            ("acme\\", APP),
            ("acme%", APP),
            ("аcme", APP),  # a Cyrillic a: that is the point
            ("ａｃｍｅ", APP),
            ("acme\u200b", APP),
            ("", APP),
            ("{org:String}", ""),
        )
    )
)


def envelopes(tenant: Tenant) -> list[tuple[Signal, bytes]]:
    """What a tenant sent: events (rejected, dead-lettered, duplicate too), spans, points, logs."""
    dead_letters = _dead_letters(tenant)
    rejected = {"invalid_value": 1, f"{tenant.says}_reason": 1}
    refused = {f"{tenant.says}_refused": tenant.number % 7 + 1}
    made = [
        _sent(tenant, 1, _events(tenant), Outcome(10, 8, rejected), dead_letters=dead_letters),
        _sent(tenant, tenant.own_receipt, _events(tenant), Outcome(8, 8), weight=2.0),
        _sent(tenant, 2, [], Outcome(5, 5, duplicate=2, dead_lettered=3)),
        _sent(tenant, 3, [], Outcome(0, 0, request_rejections=refused)),
    ]
    otlp = (
        (Signal.METRICS, _points(tenant)),
        (Signal.TRACES, _spans(tenant)),
        (Signal.LOGS, _records(tenant)),
    )
    return [(Signal.EVENTS, envelope) for envelope in made] + [
        (signal, _envelope(tenant, signal, body, 5, Outcome(4, 4))) for signal, body in otlp
    ]


def _sent(
    tenant: Tenant,
    receipt: int,
    events: Sequence[dict[str, Any]],
    outcome: Outcome,
    *,
    dead_letters: Sequence[DeadLetter] = (),
    weight: float = 1.0,
) -> bytes:
    body = msgspec.json.encode(events) if events else b""
    return _envelope(
        tenant, Signal.EVENTS, body, receipt, outcome, dead_letters=dead_letters, weight=weight
    )


def _envelope(
    tenant: Tenant,
    signal: Signal,
    body: bytes,
    receipt: int,
    outcome: Outcome,
    *,
    dead_letters: Sequence[DeadLetter] = (),
    weight: float = 1.0,
) -> bytes:
    sender = Sender(
        org=tenant.org,
        app=tenant.app,
        key_id=f"{tenant.says}-key",
        sdk_name=tenant.says,
        sdk_version="1",
        protocol="native",
    )
    return encode_envelope(
        sender.encode(),
        receipt=receipt_id(receipt),
        received_ns=THEN * _NS,
        sent_ms=THEN,
        outcome=outcome,
        signal=signal,
        body=body,
        dead_letters=dead_letters,
        weight=weight,
    )


def _events(tenant: Tenant) -> list[dict[str, Any]]:
    found, own = [], f"{tenant.says}-{tenant.number}"
    for place, name in enumerate(
        ("page_view", "buy", "page_view", "exception", "buy", "exception", "page_view")
    ):
        found.append(
            {
                "id": f"id-{place}",
                "ts": THEN - (7 - place) * MINUTE,
                "name": name,
                "value": tenant.number + place / 2,
                "unit": tenant.says,
                "sessionId": f"session-{place % 2}" if place < 5 else own,
                "userAnonId": own if place % 3 else "user-1",
                "device": {"type": "mobile", tenant.says: tenant.says},
                "attrs": {
                    "country": tenant.says if place in (1, 4, 5) else "US",
                    "page": f"/{tenant.says}" if place == 2 else "/",
                    "app.version": tenant.says if place == 5 else "1",
                    "plan": tenant.says,
                    f"{tenant.says}_key": tenant.says,
                    "exception.type": f"{tenant.says}Error",
                    "exception.message": f"{tenant.says} failed {tenant.number}",
                },
            }
        )
    last = {"ts": THEN, "name": f"{tenant.says}.event", "value": tenant.number, "sessionId": own}
    return [*found, last]


def _dead_letters(tenant: Tenant) -> list[DeadLetter]:
    original = msgspec.json.encode({"name": tenant.says, "value": f"{tenant.number}.5"})
    return [
        DeadLetter(1, "invalid_value", tenant.says, f"{tenant.says} no number", original, "buy"),
        DeadLetter(2, f"{tenant.says}_reason", "", tenant.says, b"\xff" + original, tenant.says),
    ]


def _attributes(**values: str) -> list[KeyValue]:
    return [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in values.items()]


def _resource(tenant: Tenant, service: str) -> Resource:
    named = _attributes(**{"service.name": service, "zone": tenant.says})
    return Resource(attributes=named)


def _at(minute: float) -> int:
    return (THEN + int(minute * MINUTE)) * _NS


def _points(tenant: Tenant) -> bytes:
    request = ExportMetricsServiceRequest()
    for service in ("cart", f"{tenant.says}-service"):
        scope = request.resource_metrics.add(resource=_resource(tenant, service)).scope_metrics
        add = scope.add().metrics.add
        for name in ("queue.size", f"{tenant.says}.metric"):
            gauge: Metric = add(name=name, unit=tenant.says, description=tenant.says)
            for host in ("a", tenant.says):
                labels = _attributes(host=host, **{f"{tenant.says}_label": tenant.says})
                gauge.gauge.data_points.add(
                    time_unix_nano=_at(-3), as_double=tenant.number, attributes=labels
                )
        running = add(name="requests").sum
        running.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        running.is_monotonic = True
        for minute in range(5):
            running.data_points.add(
                time_unix_nano=_at(minute - 9), start_time_unix_nano=_at(-60),
                as_int=tenant.number * (minute + 1), attributes=_attributes(host="a"),
            )  # fmt: skip
        delta = add(name="latency", unit="ms").histogram
        delta.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
        delta.data_points.add(
            time_unix_nano=_at(-2), count=4, sum=tenant.number * 4, min=1, max=tenant.number,
            explicit_bounds=[5, 10, tenant.number], bucket_counts=[1, 1, 1, 1],
        )  # fmt: skip
    return request.SerializeToString()


def _spans(tenant: Tenant) -> bytes:
    request = ExportTraceServiceRequest()
    for trace in (TRACE, tenant.own_trace):
        for place, service in enumerate(("web", "cart", f"{tenant.says}-service")):
            scope = request.resource_spans.add(resource=_resource(tenant, service)).scope_spans
            group = scope.add()
            group.scope.name = tenant.says
            span = group.spans.add(
                trace_id=trace,
                span_id=bytes([place + 1]) * 8,
                parent_span_id=bytes([place]) * 8 if place else b"",
                name=f"{tenant.says} operation" if place == 1 else "GET /",
                kind=2,
                start_time_unix_nano=_at(-5) + place,
                end_time_unix_nano=_at(-5) + place + tenant.number * 16,
                attributes=_attributes(**{"http.route": "/", "plan": tenant.says}),
            )
            span.status.code = Status.STATUS_CODE_ERROR
            span.status.message = tenant.says
            thrown = {"exception.type": "KeyError", "exception.message": tenant.says}
            span.events.add(
                time_unix_nano=_at(-5), name="exception", attributes=_attributes(**thrown)
            )
            span.links.add(trace_id=tenant.own_trace, span_id=b"\1" * 8)
    return request.SerializeToString()


def _records(tenant: Tenant) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=_resource(tenant, "cart")).scope_logs.add()
    for place in range(4):
        scope.log_records.add(
            time_unix_nano=_at(-4) + place // 2,
            observed_time_unix_nano=_at(-4),
            severity_number=(9, 13, 17, 21)[place],
            severity_text=tenant.says,
            body=AnyValue(string_value=f"Order {place} of {tenant.says} {tenant.number}"),
            attributes=_attributes(
                plan=tenant.says, **{"exception.type": "KeyError", "exception.message": tenant.says}
            ),
            trace_id=TRACE,
            span_id=b"\1" * 8,
        )
    return request.SerializeToString()


def manifest(tenants: Sequence[Tenant], database: str) -> list[str]:
    """Statements that put files into the archive's manifest: one of everybody, and one of each."""
    minute = f"toDateTime({THEN // MINUTE * 60}, 'UTC')"
    at = f"fromUnixTimestamp64Milli({THEN}, 'UTC')"

    def row(path: str, held: Sequence[Tenant]) -> str:
        orgs, apps = ([_quoted(t.org) for t in held], [_quoted(t.app) for t in held])
        counts = ", ".join(
            f"[{', '.join(column)}]"
            for column in (orgs, apps, [minute] * len(held), ["'k'"] * len(held), ["8"] * len(held))
        )
        return (
            f"({_quoted(path)}, 'events', 's', 1, 2, 8, {at}, {at}, {at}, {at}, 9, '', {at}, "
            f"'live', [], {counts}, 1)"
        )

    rows = [row("shared.parquet", tenants)]
    rows += [row(f"{t.says}-{t.number}.parquet", [t]) for t in tenants]
    return [f"INSERT INTO {database}.archive_files VALUES {', '.join(rows)}"]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
