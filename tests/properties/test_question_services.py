"""RED by service and the edges between services, against random traces walked by hand."""

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from seamark.wire.signals import Signal
from tests.support.people_events import HOUR, MINUTE, NOW, TOKENS
from tests.support.questions_stack import Answers, answering, grouped_envelopes

pytestmark = pytest.mark.integration
KINDS = ["internal", "server", "client", "producer", "consumer"]
IS_LOCAL, IS_REMOTE = 0x101, 0x300
"""Flags of a span whose parent is, is not, of its own process."""
SERVICES = ["web", "cart", "pay", "it's {p0:String}"]
ATTRIBUTES: list[dict[str, str]] = [
    {}, {}, {"db.system.name": "postgresql", "db.namespace": "shop"},
    {"db.system": "redis", "server.address": "cache"}, {"db.system.name": "mysql"},
    {"messaging.system": "kafka", "messaging.destination.name": "orders"},
    {"messaging.system": "sqs"},
    {"server.address": "api.example"}, {"net.peer.name": "api.example"},
    {"peer.service": "bank", "server.address": "10.0.0.1"}, {"peer.service": "pay"},
    {"url.full": "https://maps.example/a?b"}, {"db.system": "h2", "peer.service": "ledger-db"},
]  # fmt: skip


@dataclass(frozen=True)
class MadeSpan:
    org: str
    app: str
    weight: float
    service: str
    name: str
    kind: str
    error: bool
    start_ms: int
    duration_ns: int
    trace: bytes
    span: bytes
    parent: bytes
    flags: int
    place: int
    """In ATTRIBUTES."""

    @property
    def target(self) -> tuple[str, str]:
        """Kind and name of what the span calls, or is called from."""
        attrs = ATTRIBUTES[self.place]
        get = attrs.get
        database = get("db.system.name") or get("db.system")
        address = get("server.address") or get("net.peer.name")
        if not address and get("url.full"):
            address = "maps.example"
        if database:
            parts = [database, get("db.namespace") or address or ""]
            return "database", get("peer.service") or "/".join(filter(None, parts))
        if get("messaging.system"):
            parts = [attrs["messaging.system"], get("messaging.destination.name", "")]
            return "queue", "/".join(filter(None, parts))
        return "external", get("peer.service") or address or ""


def make_spans(count: int) -> list[MadeSpan]:
    """Traces of a few spans each; parents are any earlier span of the trace, also another app's."""
    rng = random.Random(5)
    spans: list[MadeSpan] = []
    while len(spans) < count:
        trace, org = rng.randbytes(16), rng.choice(["acme", "acme", "other"])
        began = NOW - rng.randrange(7 * HOUR)
        before: list[bytes] = []
        for _ in range(rng.randrange(1, 7)):
            parent = rng.choice([*before, rng.randbytes(8)]) if before else bytes(8)
            made = MadeSpan(
                org=org,
                app=rng.choice(["shop", "shop", "shop", "blog"]),
                weight=rng.choice([1.0, 1.0, 1.0, 4.0]),
                service=rng.choice(SERVICES),
                name=rng.choice(["GET /", "load"]),
                kind=rng.choice(KINDS),
                error=rng.random() < 0.2,
                start_ms=min(began + rng.randrange(3000), NOW - 1),
                duration_ns=int(rng.lognormvariate(15, 2)),
                trace=trace,
                span=rng.randbytes(8),
                parent=parent,
                flags=rng.choice([0, 1, IS_LOCAL, IS_REMOTE]),
                place=rng.randrange(len(ATTRIBUTES)),
            )
            before.append(made.span)
            spans.append(made)
    return spans


SPANS = make_spans(2000)


def envelopes() -> list[bytes]:
    groups: dict[tuple[str, str, float], ExportTraceServiceRequest] = defaultdict(
        ExportTraceServiceRequest
    )
    for span in SPANS:
        resource = groups[span.org, span.app, span.weight].resource_spans.add()
        name = KeyValue(key="service.name", value=AnyValue(string_value=span.service))
        resource.resource.attributes.append(name)
        resource.scope_spans.add().spans.add(
            trace_id=span.trace,
            span_id=span.span,
            parent_span_id=b"" if span.parent == bytes(8) else span.parent,
            name=span.name,
            kind=KINDS.index(span.kind) + 1,
            flags=span.flags,
            attributes=[
                KeyValue(key=key, value=AnyValue(string_value=value))
                for key, value in ATTRIBUTES[span.place].items()
            ],
            start_time_unix_nano=span.start_ms * 1_000_000,
            end_time_unix_nano=span.start_ms * 1_000_000 + span.duration_ns,
            status=Status(
                code=Status.STATUS_CODE_ERROR if span.error else Status.STATUS_CODE_UNSET
            ),
        )
    return grouped_envelopes(Signal.TRACES, groups, received_ms=NOW)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = Path(tmp_path_factory.mktemp("services"))
    with answering(folder, [(Signal.TRACES, envelopes())], now_ms=NOW) as running:
        yield running


def seen(token: str, body: dict[str, Any], length: int) -> tuple[list[MadeSpan], float]:
    """Spans of a range of whole minutes or hours, and its seconds."""
    org, app = TOKENS[token]
    since, until = body["from"] // length * length, -(-body["to"] // length) * length
    found = [
        s for s in SPANS
        if s.org == org and app in ("", s.app) and since <= s.start_ms < until
    ]  # fmt: skip
    return found, (until - since) / 1000


def near(durations_ns: list[int], level: float, got_ms: float) -> None:
    """Within 1 % of a value at the rank, or at one to either side."""
    ordered = sorted(durations_ns)
    rank = level * (len(ordered) - 1)
    low = ordered[max(int(rank) - 1, 0)] / 1e6
    high = ordered[min(int(rank) + 2, len(ordered) - 1)] / 1e6
    assert low * 0.9899 <= got_ms <= high * 1.0101


ranges = {
    "from": st.sampled_from([NOW - HOUR, NOW - 7 * HOUR]),
    "to": st.sampled_from([NOW, NOW - 600_000]),
}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=st.fixed_dictionaries(
        {
            **ranges,
            "by": st.sampled_from(["service", "operation"]),
            "service": st.sampled_from(["", "cart"]),
            "kinds": st.sampled_from([["server", "consumer"], [], ["client"]]),
            "limit": st.sampled_from([1, 100]),
            "filters": st.sampled_from([[], [{"key": "operation", "value": "load"}]]),
        }
    ),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_services_are_what_counting_spans_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/services", token, body)
    found, seconds = seen(token, body, HOUR if body["from"] < NOW - 6 * HOUR else MINUTE)
    groups: dict[tuple[str, str], list[MadeSpan]] = defaultdict(list)
    for s in found:
        wanted = not body["filters"] or s.name == "load"
        asked = body["service"] in ("", s.service)
        if wanted and asked and s.kind in (body["kinds"] or KINDS):
            groups[s.service, s.name if body["by"] == "operation" else ""].append(s)
    calls = {key: sum(s.weight for s in spans) for key, spans in groups.items()}
    largest = sorted(calls, key=lambda key: (-calls[key], key))
    assert [(s["service"], s["operation"]) for s in answer["services"]] == largest[: body["limit"]]
    assert answer["meta"]["truncated"] is (len(largest) > body["limit"])
    for service in answer["services"]:
        spans = groups[service["service"], service["operation"]]
        errors = sum(s.weight for s in spans if s.error)
        assert service["calls"] == sum(s.weight for s in spans)
        assert service["errors"] == errors
        assert service["rate"] == pytest.approx(service["calls"] / seconds)
        assert service["errorRate"] == pytest.approx(errors / service["calls"])
        weighted = sum(s.weight * s.duration_ns for s in spans) / service["calls"] / 1e6
        assert service["meanMs"] == pytest.approx(weighted)
        assert service["maxMs"] == pytest.approx(max(s.duration_ns for s in spans) / 1e6)
        for name, level in (("p50Ms", 0.5), ("p95Ms", 0.95), ("p99Ms", 0.99)):
            near([s.duration_ns for s in spans], level, service[name])
        assert service["traceId"] in {s.trace.hex() for s in spans}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=st.fixed_dictionaries(
        {
            **ranges,
            "service": st.sampled_from(["", "cart", SERVICES[3]]),
            "limit": st.sampled_from([2, 500]),
            "filters": st.sampled_from([[], [{"key": "kind", "value": "server"}]]),
        }
    ),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_edges_are_what_walking_up_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/servicemap", token, body)
    found, _ = seen(token, body, MINUTE)
    org, app = TOKENS[token]
    mine = [s for s in SPANS if s.org == org and app in ("", s.app)]
    parents = {(s.trace, s.span): s for s in mine}
    since, until = body["from"] // MINUTE * MINUTE, -(-body["to"] // MINUTE) * MINUTE + HOUR
    served = [s for s in mine if s.kind in ("server", "consumer")]
    answered = {(s.trace, s.parent) for s in served if since <= s.start_ms < until}
    edges: dict[tuple[str, str, str], list[MadeSpan]] = defaultdict(list)
    for s in found:
        if body["filters"] and s.kind != "server":
            continue
        parent = parents.get((s.trace, s.parent))
        kind, target = s.target
        of_queue = s.kind == "consumer" and bool(ATTRIBUTES[s.place].get("messaging.system"))
        of_other = parent and parent.service != s.service and s.flags != IS_LOCAL
        if parent and of_other and not (parent.kind == "producer" and of_queue):
            edges[parent.service, s.service, "service"].append(s)
        if not target or target == s.service:
            continue
        if s.kind == "consumer" and kind == "queue":
            edges[target, s.service, "queue"].append(s)
        elif s.kind in ("client", "producer") and not (
            kind == "external" and (s.trace, s.span) in answered
        ):
            edges[s.service, target, kind].append(s)
    if body["service"]:
        edges = defaultdict(list, {k: v for k, v in edges.items() if body["service"] in k[:2]})
    check_edges(answer, edges, body["limit"])
    whole = HOUR if body["from"] < NOW - 6 * HOUR else MINUTE
    check_nodes(answer, edges, seen(token, body, whole)[0])


def check_edges(answer: Any, edges: dict[tuple[str, str, str], list[MadeSpan]], limit: int) -> None:
    calls = {key: sum(s.weight for s in spans) for key, spans in edges.items()}
    largest = sorted(calls, key=lambda key: (-calls[key], key))
    shown = [(e["client"], e["server"], e["kind"]) for e in answer["edges"]]
    assert [calls[key] for key in shown] == [calls[key] for key in largest[:limit]]
    assert len(set(shown)) == len(shown)
    assert answer["meta"]["truncated"] is (len(largest) > limit)
    for edge in answer["edges"]:
        spans = edges[edge["client"], edge["server"], edge["kind"]]
        assert edge["calls"] == sum(s.weight for s in spans)
        assert edge["errors"] == sum(s.weight for s in spans if s.error)
        durations = sorted(s.duration_ns / 1e6 for s in spans)
        assert edge["p50Ms"] == pytest.approx(statistics.median(durations))
        assert durations[0] <= edge["p95Ms"] <= durations[-1]


def check_nodes(
    answer: Any, edges: dict[tuple[str, str, str], list[MadeSpan]], found: list[MadeSpan]
) -> None:
    """Each service counts the calls it served once; each node outside, the calls made to it."""
    nodes = {node["service"]: node for node in answer["nodes"]}
    assert len(nodes) == len(answer["nodes"])
    services = {s.service for s in found}
    assert {name for name, node in nodes.items() if node["kind"] == "service"} >= services
    for name in services:
        served = [s for s in found if s.service == name and s.kind in ("server", "consumer")]
        assert nodes[name]["calls"] == sum(s.weight for s in served)
        assert nodes[name]["errors"] == sum(s.weight for s in served if s.error)
    ends = {end for e in answer["edges"] for end in (e["client"], e["server"])}
    assert ends <= set(nodes)
    for name, node in nodes.items():
        if node["kind"] != "service":
            assert name in ends
            made = [s for (_, end, kind), v in edges.items() if (end, kind) == (name, node["kind"])
                    for s in v]  # fmt: skip
            assert node["calls"] == sum(s.weight for s in made)
            assert node["errors"] == sum(s.weight for s in made if s.error)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    body=st.fixed_dictionaries(
        {
            **ranges,
            "granularity": st.sampled_from(["1m", "1h"]),
            "groupBy": st.sampled_from([[], ["service"], ["service", "operation"]]),
            "filters": st.sampled_from([[], [{"key": "kind", "value": "server"}]]),
            "limit": st.sampled_from([2, 50]),
        }
    ),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_exemplars_are_traces_of_their_buckets(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    question = body | {"metric": "traces.span.duration", "exemplars": True}
    answer = answers("/v1/query/timeseries", token, question)
    length = HOUR if body["granularity"] == "1h" else MINUTE
    found, _ = seen(token, body, length)
    traces: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for s in found:
        labels = {"service": s.service, "operation": s.name}
        key = (*(labels[k] for k in body["groupBy"]), s.start_ms // length * length)
        if not body["filters"] or s.kind == "server":
            traces[key].add(s.trace.hex())
    exemplars = [
        ((*(e["labels"][k] for k in body["groupBy"]), e["time"]), e["traceId"])
        for e in answer["exemplars"]
    ]
    assert all(trace in traces[key] for key, trace in exemplars)
    shown = [
        ((*(s["labels"][k] for k in body["groupBy"]), row[0]))
        for s in answer["series"]
        for row in s["rows"]
    ]
    assert {key for key, _ in exemplars} <= set(shown)
    if len(traces) <= 1000:
        assert {key for key, _ in exemplars} == set(shown)
