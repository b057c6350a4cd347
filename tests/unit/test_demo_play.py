"""Playing visits: into the past, at once, and live."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from seamark.demo.__main__ import main, parser
from seamark.demo.access import read_access
from seamark.demo.deliver import DemoDelivery
from seamark.demo.exporting import Providers, SeededIds
from seamark.demo.play import HOUR_MS, LONGEST_VISIT_MS, SESSIONS_PER_HOUR, Shop, VisitPlan
from seamark.demo.services import Services
from seamark.demo.visits import Page, Visit
from tests.support.virtual_clock import run_virtually

NOW_MS = 1_795_316_640_000


class Memory:
    """The SDK with exporters that keep everything."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # it has no types
        self.readers: list[InMemoryMetricReader] = []

    def make(self, service: str, version: str, ids: SeededIds) -> Providers:
        resource = Resource({"service.name": service, "service.version": version})
        traces = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        traces.add_span_processor(SimpleSpanProcessor(self.spans))
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        self.readers.append(InMemoryMetricReader())
        metrics = MeterProvider([self.readers[-1]], resource=resource, shutdown_on_exit=False)
        return Providers(service, traces, logs, metrics)


class Kept(DemoDelivery):
    """Keeps batches instead of sending them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def send(self, visit: Visit, page: Page, body: bytes) -> None:
        self.bodies.append(body)


def shop(
    memory: Memory, kept: Kept, now_ms: Callable[[], int] = lambda: NOW_MS, run: str = "r1"
) -> Shop:
    return Shop(kept, Services(memory.make, seed=5), run=run, app="demo", now_ms=now_ms)


async def played(plan: VisitPlan, run: str = "r1") -> tuple[Memory, list[dict[str, Any]]]:
    memory, kept = Memory(), Kept()
    await shop(memory, kept, run=run).play(plan, asyncio.Event())
    return memory, sorted(map(json.loads, kept.bodies), key=lambda body: str(body["batchId"]))


async def test_the_same_plan_sends_the_same_events_and_spans() -> None:
    plan = VisitPlan(seed=5, rate=0, sessions=30)
    one, other = await played(plan), await played(plan)
    assert one[1] == other[1]

    def lines(memory: Memory) -> list[tuple[object, ...]]:
        return sorted(
            (s.context.trace_id, s.context.span_id, s.name, s.start_time, s.end_time)
            for s in memory.spans.get_finished_spans()
        )

    assert lines(one[0]) == lines(other[0])
    assert len(set(lines(one[0]))) == len(lines(one[0]))


async def test_another_run_is_other_visits_of_the_same_people() -> None:
    plan = VisitPlan(seed=5, rate=0, sessions=30)
    runs = [await played(plan), await played(plan, "r2")]

    def told(key: str) -> list[set[str]]:
        return [{event[key] for body in bodies for event in body["events"]} for _, bodies in runs]

    one, other = told("sessionId")
    assert len(one) == len(other) == 30
    assert not one & other
    assert told("userAnonId")[0] == told("userAnonId")[1]
    assert told("name")[0] == told("name")[1]
    traces = [{s.context.trace_id for s in memory.spans.get_finished_spans()} for memory, _ in runs]
    assert len(traces[0]) == len(traces[1])
    assert not traces[0] & traces[1]


async def test_visits_sent_at_once_have_just_ended() -> None:
    _, bodies = await played(VisitPlan(seed=5, rate=0, sessions=10))
    assert len({body["batchId"] for body in bodies}) == len(bodies)
    for body in bodies:
        assert body["sentAt"] == NOW_MS
        events = body["events"]
        assert isinstance(events, list)
        assert all(NOW_MS - LONGEST_VISIT_MS < event["ts"] <= NOW_MS for event in events)


async def test_history_fills_its_hours_and_nothing_else() -> None:
    plan = VisitPlan(seed=5, rate=0, sessions=40, backfill_hours=24)
    memory, bodies = await played(plan)
    times = [event["ts"] for body in bodies for event in body["events"]]
    oldest = NOW_MS - 24 * HOUR_MS - LONGEST_VISIT_MS
    assert oldest <= min(times) < oldest + HOUR_MS
    assert NOW_MS - HOUR_MS - LONGEST_VISIT_MS < max(times) <= NOW_MS
    assert len({(time - oldest) // HOUR_MS for time in times}) >= 23
    # The SDK has no way to date a measurement, so history has none.
    assert all(reader.get_metrics_data() is None for reader in memory.readers)


def test_history_has_a_number_of_its_own_when_none_is_given() -> None:
    assert VisitPlan(seed=1, rate=50, backfill_hours=2).history == 2 * SESSIONS_PER_HOUR
    assert VisitPlan(seed=1, rate=50, sessions=9, backfill_hours=2).history == 9
    assert VisitPlan(seed=1, rate=50, sessions=9).history == 0


def test_live_goes_on_at_its_rate_until_it_is_stopped() -> None:
    memory, kept = Memory(), Kept()

    async def play() -> float:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        live = shop(memory, kept, now_ms=lambda: NOW_MS + round(loop.time() * 1000))
        await live.play(VisitPlan(seed=5, rate=400, duration_seconds=1.5), stop)
        assert stop.is_set()
        return loop.time()

    assert run_virtually(play()) == pytest.approx(1.5, abs=0.01)
    events = [event for body in kept.bodies for event in json.loads(body)["events"]]
    assert 450 < len(events) < 750  # 400 a second for 1.5 s are 600; visits differ in length
    sent = [json.loads(body)["sentAt"] for body in kept.bodies]
    assert all(NOW_MS <= at <= NOW_MS + 1_510 for at in sent)


def spans_of(memory: Memory) -> dict[int, list[ReadableSpan]]:
    found: dict[int, list[ReadableSpan]] = {}
    for span in memory.spans.get_finished_spans():
        found.setdefault(span.context.trace_id, []).append(span)
    return found


async def test_every_call_is_one_trace_through_two_services() -> None:
    memory, bodies = await played(VisitPlan(seed=5, rate=0, sessions=20))
    traces = spans_of(memory)
    assert len(traces) == len(bodies)
    for spans in traces.values():
        by_id = {span.context.span_id: span for span in spans}
        roots = [span for span in spans if span.parent is None]
        assert [span.resource.attributes["service.name"] for span in roots] == ["gateway"]
        for span in spans:
            assert span.start_time is not None
            assert span.end_time is not None
            assert span.start_time <= span.end_time
            if span.parent is not None:
                parent = by_id[span.parent.span_id]
                assert (parent.start_time or 0) <= span.start_time
                assert span.end_time <= (parent.end_time or 0)
        assert len({span.resource.attributes["service.name"] for span in spans}) == 2
    logs = memory.logs.get_finished_logs()
    assert {log.log_record.trace_id for log in logs} == set(traces)


async def test_metrics_of_every_kind_are_measured_live() -> None:
    memory, _ = await played(VisitPlan(seed=5, rate=0, sessions=60))
    names = set()
    for reader in memory.readers:
        data = reader.get_metrics_data()
        assert data is not None
        names |= {
            metric.name
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
    assert names == {
        "http.server.request.duration",
        "shop.requests",
        "shop.stock",
        "shop.order.value",
    }


@pytest.mark.parametrize(
    "arguments", [["--backfill", "168"], ["--rate", "-1"], ["--sessions", "0"], ["--key", "smk_x"]]
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(arguments)


def test_a_stack_beside_another_is_found_by_its_port_offset() -> None:
    environ = {"SEAMARK_DEMO_KEY": "smk_x", "SEAMARK_DEMO_API_URL": "https://api.example/"}
    access = read_access(environ, None, prefix="SEAMARK_DEMO", port_offset=30_000)
    assert access.ingest_url == "http://127.0.0.1:34318"
    assert access.grpc_url == "http://127.0.0.1:34317"
    assert access.api_url == "https://api.example"
    assert parser().parse_args(["--port-offset", "30000"]).port_offset == 30_000


def test_what_is_missing_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KEY", "TOKEN", "APP"):
        monkeypatch.delenv(f"SEAMARK_DEMO_{name}", raising=False)
    assert main(["--sessions", "1"]) == 2
    assert "SEAMARK_DEMO_KEY" in capsys.readouterr().err
    assert main(["--check"]) == 2
    assert "needs an end" in capsys.readouterr().err
    monkeypatch.setenv("SEAMARK_DEMO_KEY", "smk_x")
    assert main(["--check", "--sessions", "1"]) == 2
    assert "SEAMARK_DEMO_TOKEN" in capsys.readouterr().err


def test_credentials_of_a_stack_tell_its_ports(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text('{"ingest_key": "smk_x", "app": "shop"}')
    assert read_access({}, file, prefix="SEAMARK_DEMO").ingest_url == "http://127.0.0.1:4318"
    (tmp_path / "lock").write_text('{"pid": 1, "host": "127.0.0.1", "port_offset": 3900}')
    found = read_access({}, file, prefix="SEAMARK_DEMO")
    assert (found.ingest_url, found.api_url) == ("http://127.0.0.1:8218", "http://127.0.0.1:8220")
    given = read_access({}, file, prefix="SEAMARK_DEMO", port_offset=0)
    assert given.ingest_url == "http://127.0.0.1:4318", "what was said goes first"
