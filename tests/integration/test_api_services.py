"""Questions about services and logs over HTTP: answers, whose rows are seen, cache, limits."""

from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from seamark.wire.signals import Signal
from tests.support.otlp_values import attributes
from tests.support.questions_stack import SECRETS, RunningStore, asking, envelope
from tests.support.scripted_store import Scripted, hang_up

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
MS = 1_000_000
CONTEXT = {"id": "0" * 16, "time": str(NOW * MS), "service": "cart"}
SERVICES: dict[str, dict[str, Any]] = {
    "/v1/query/services": {},
    "/v1/query/servicemap": {},
    "/v1/query/logs/histogram": {},
    "/v1/query/logs/context": CONTEXT,
}


def call(trace: int, client: str, server: str) -> bytes:
    """A client span, and the server's span below it, which failed."""
    request = ExportTraceServiceRequest()
    for number, service, kind, parent in (
        (1, client, Span.SPAN_KIND_CLIENT, b""),
        (2, server, Span.SPAN_KIND_SERVER, (1).to_bytes(8, "big")),
    ):
        spans = request.resource_spans.add()
        spans.resource.attributes.extend(attributes({"service.name": service}))
        spans.scope_spans.add().spans.add(
            trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"),
            parent_span_id=parent, name="load", kind=kind,
            start_time_unix_nano=(NOW - 60_000) * MS,
            end_time_unix_nano=(NOW - 60_000 + 40) * MS,
            status=Status(code=Status.STATUS_CODE_ERROR),
        )  # fmt: skip
    return request.SerializeToString()


def records(service: str, *bodies: str) -> bytes:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    logs.resource.attributes.extend(attributes({"service.name": service}))
    scope = logs.scope_logs.add()
    for place, body in enumerate(bodies):
        scope.log_records.add(
            time_unix_nano=(NOW - 1000 * place) * MS, severity_number=9,
            body=AnyValue(string_value=body),
        )  # fmt: skip
    return request.SerializeToString()


def sums(**by_route: int) -> bytes:
    """Deltas of a sum, by route."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="bytes")
    metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    metric.sum.is_monotonic = True
    for route, count in by_route.items():
        metric.sum.data_points.add(
            time_unix_nano=(NOW - 60_000) * MS,
            as_int=count,
            attributes=attributes({"route": route}),
        )
    return request.SerializeToString()


async def fill(store: RunningStore) -> None:
    for org, app, signal, body in (
        ("acme", "shop", Signal.TRACES, call(1, "web", "cart")),
        ("acme", "blog", Signal.TRACES, call(2, "web", "blogger")),
        ("other", "shop", Signal.TRACES, call(3, "secret", "cart")),
        ("acme", "shop", Signal.METRICS, sums(a=600, b=300, c=90)),
        ("acme", "shop", Signal.METRICS, sums(b=10)),
        ("other", "shop", Signal.METRICS, sums(secret=5000)),
        ("acme", "shop", Signal.LOGS, records("cart", "third", "second", "first")),
        ("acme", "blog", Signal.LOGS, records("cart", "blogger")),
        ("other", "shop", Signal.LOGS, records("cart", "secret")),
    ):
        await store.insert(signal, [envelope(signal, body, org=org, app=app, received_ms=NOW)])


async def test_services_and_their_map(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        question = {"from": "now-1h", "by": "operation", "service": "cart"}
        answer = await ask.post("/v1/query/services", question)
        (service,) = answer["services"]
        assert (service["operation"], service["calls"], service["errors"]) == ("load", 1, 1)
        assert service["rate"] == pytest.approx(1 / 3660)
        assert service["p95Ms"] == pytest.approx(40, rel=0.0101)
        assert service["traceId"] == f"{1:032x}"
        found = await ask.post("/v1/query/servicemap", {})
    assert [(e["client"], e["server"], e["calls"]) for e in found["edges"]] == [
        ("web", "blogger", 1),
        ("web", "cart", 1),
    ]
    assert {node["service"] for node in found["nodes"]} == {"web", "cart", "blogger"}


async def test_top_of_metrics_and_of_spans(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        question = {"metric": "bytes", "by": "route", "agg": "sum", "limit": 2, "from": "now-1h"}
        answer = await ask.post("/v1/query/top", question)
        assert answer["total"] == 1000
        assert [(v["label"], v["value"], v["share"]) for v in answer["values"]] == [
            ("a", 600, 0.6),
            ("b", 310, 0.31),
            ("__other__", 90, 0.09),
        ]
        rates = await ask.post("/v1/query/top", question | {"agg": "rate", "from": "now-1d"})
        elapsed_seconds = 24 * 3600 + NOW // 1000 % 3600  # the running hour counts so far
        assert rates["total"] == pytest.approx(1000 / elapsed_seconds)
        spans = {"metric": "traces.span.duration", "by": "service", "agg": "p95"}
        found = await ask.post("/v1/query/top", spans, token=SECRETS["shop"])
        assert {v["label"] for v in found["values"]} == {"web", "cart"}
        assert found["values"][0]["value"] == pytest.approx(40, rel=0.0101)


async def test_a_parent_of_another_org_or_app_makes_no_edge(store: RunningStore) -> None:
    """Spans below a span of another org, whose ids were guessed."""
    async with asking(store, clock_ms=lambda: NOW) as ask:
        one = await ask.post("/v1/query/servicemap", {}, token=SECRETS["shop"])
        assert [(e["client"], e["server"]) for e in one["edges"]] == [("web", "cart")]
        other = await ask.post("/v1/query/servicemap", {}, token=SECRETS["other"])
        assert [(e["client"], e["server"]) for e in other["edges"]] == [("secret", "cart")]


async def test_histogram_and_context(store: RunningStore) -> None:
    search = {"service": "cart", "contains": "second", "appId": "shop"}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/logs/histogram", search | {"granularity": "5m"})
        assert [(s["labels"], [r[1] for r in s["rows"]]) for s in answer["series"]] == [
            ({"level": "info"}, [1])
        ]
        (record,) = (await ask.post("/v1/query/logs", search))["logs"]
        around = {"id": record["id"], "time": record["time"], "service": "cart", "appId": "shop"}
        found = await ask.post("/v1/query/logs/context", around)
        assert [r["body"] for r in found["before"]] == ["first"]
        assert [r["body"] for r in found["after"]] == ["third"]


@pytest.mark.parametrize("path", SERVICES)
async def test_no_token_sees_another_org_or_app(store: RunningStore, path: str) -> None:
    question = SERVICES[path]
    async with asking(store, clock_ms=lambda: NOW) as ask:
        seen = {
            token: await ask.post(path, question, token=SECRETS[token])
            for token in ("acme", "shop", "other")
        }
        narrowed = await ask.post(path, question | {"appId": "shop"})
        for token, extra in (("acme", {"orgId": "other"}), ("shop", {"appId": "blog"})):
            refused = await ask.post(path, question | extra, token=SECRETS[token], status=403)
            assert refused["error"]["reason"] == "out_of_scope"
    for answer in (*seen.values(), narrowed):
        del answer["meta"]
    assert narrowed == seen["shop"] != seen["acme"]
    assert "secret" not in str((seen["acme"], seen["shop"]))
    assert "blogger" not in str(seen["shop"])


async def test_the_error_of_a_costly_question_names_what_to_narrow(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, query_rows=1) as ask:
        for path in ("/v1/query/servicemap", "/v1/query/logs/histogram"):
            answer = await ask.post(path, SERVICES[path], status=422)
            assert answer["error"]["reason"] == "too_much"


@pytest.mark.parametrize("path", SERVICES)
async def test_who_hangs_up_ends_the_query(path: str) -> None:
    scripted = Scripted()
    async with asking(scripted) as ask:
        await hang_up(ask, scripted, path, SERVICES[path])
