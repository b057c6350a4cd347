"""OpenTelemetry data from the real schema in the real store: metrics, spans, logs, traces."""

from typing import Any

import pytest

from seamark.wire.signals import Signal
from tests.support.otlp_bodies import (
    LOGS,
    MS,
    NOW,
    OTHER_TRACE,
    START,
    TRACE,
    at,
    logs_body,
    metrics_body,
    traces_body,
)
from tests.support.questions_stack import SECRETS, RunningStore, asking, envelope

pytestmark = pytest.mark.integration


async def fill(store: RunningStore) -> None:
    for signal, body in (
        (Signal.METRICS, metrics_body()),
        (Signal.TRACES, traces_body()),
        (Signal.LOGS, logs_body()),
    ):
        sent = envelope(signal, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
        await store.insert(signal, [sent])


async def series(store: RunningStore, metric: str, **more: Any) -> Any:
    question = {"metric": metric, "granularity": "1m", "from": START, "to": NOW, **more}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        return await ask.post("/v1/query/timeseries", question)


def rows(answer: Any, place: int = 0) -> list[list[Any]]:
    """Rows with minutes after 10:00 instead of times."""
    return [[(row[0] - START) // 60_000, *row[1:]] for row in answer["series"][place]["rows"]]


async def test_a_gauge(store: RunningStore) -> None:
    answer = await series(store, "queue.size", agg=["count", "avg", "min", "max", "p50"])
    assert answer["meta"]["source"] == "metrics"
    assert rows(answer)[0][:5] == [1, 2, 15, 10, 20]
    assert rows(answer)[1] == [2, 1, 40, 40, 40, 40]


async def test_a_sum_of_deltas(store: RunningStore) -> None:
    answer = await series(store, "bytes.sent", agg=["sum", "rate"])
    assert rows(answer) == [[1, 1200, 20], [2, 60, 1]]


async def test_a_running_total_is_shown_as_its_increase(store: RunningStore) -> None:
    answer = await series(store, "requests", agg=["sum", "rate"], groupBy=["route"])
    assert [s["labels"]["route"] for s in answer["series"]] == ["/a", "/b"]
    assert rows(answer) == [[0, 0, 0], [1, 60, 1], [2, 120, 2], [4, 0, 0], [5, 30, 0.5], [6, 60, 1]]
    assert rows(answer, 1) == [[3, 5, pytest.approx(5 / 60)], [4, 7, pytest.approx(7 / 60)]]
    hour = await series(store, "requests", agg=["sum"], granularity="1h", groupBy=["route"])
    assert rows(hour, 1) == [[0, 12]]


async def test_a_running_total_continues_from_before_the_range(store: RunningStore) -> None:
    answer = await series(
        store, "requests", agg=["sum"], **{"from": START + 2 * 60_000},
        filters=[{"key": "route", "value": "/a"}],
    )  # fmt: skip
    assert rows(answer) == [[2, 120], [4, 0], [5, 30], [6, 60]]


async def test_a_level_is_no_total(store: RunningStore) -> None:
    answer = await series(store, "connections", agg=["avg", "min", "max"])
    assert rows(answer) == [[1, 5, 3, 7]]


async def test_a_histogram_of_deltas(store: RunningStore) -> None:
    answer = await series(
        store, "latency", agg=["count", "avg", "p50", "p99", "min", "max", "rate"]
    )
    assert rows(answer)[0] == [1, 100, 15, 15, pytest.approx(19.9), 6, 400, pytest.approx(100 / 60)]
    # 104 observations: 100 in (5, 10], 4 above 50, where the most is known
    assert rows(answer)[1][3:5] == [pytest.approx(5 + 5 * 52 / 100), 400]
    whole = await series(store, "latency", agg=["count", "p50"], granularity="1h")
    assert rows(whole) == [[0, 204, pytest.approx(10 + 10 * 2 / 100)]]


async def test_a_running_histogram(store: RunningStore) -> None:
    answer = await series(store, "duration", agg=["count", "sum", "avg", "p50"])
    assert rows(answer) == [
        [0, 0, 0, None, None],
        [1, 100, 800, 8, 7.5],
        [2, 50, 1500, 30, 10],  # beyond the last bound: the bound
    ]


async def test_an_exponential_histogram(store: RunningStore) -> None:
    answer = await series(store, "size", agg=["count", "p50"])
    assert rows(answer)[0][:2] == [1, 100]
    assert 4 <= rows(answer)[0][2] <= 8


async def test_spans_are_a_metric_in_milliseconds(store: RunningStore) -> None:
    answer = await series(
        store, "traces.span.duration", groupBy=["service", "status"],
        agg=["count", "max", "avg", "p50"], granularity="1h",
    )  # fmt: skip
    found = {tuple(s["labels"].values()): s["rows"][0][1:] for s in answer["series"]}
    assert found[("cart", "unset")][:3] == [2, 40, 25]
    assert found[("web", "error")] == [1, 250, 250, 250]
    async with asking(store, clock_ms=lambda: NOW) as ask:
        values = await ask.get("/v1/labels/operation/values", {"metric": "traces.span.duration"})
        assert values["values"] == [
            {"value": "load", "count": 2},
            {"value": "GET /cart", "count": 1},
        ]


async def test_metrics_in_the_catalogue(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        names = {m["name"]: m for m in (await ask.get("/v1/metrics"))["metrics"]}
        assert names["latency"] | {"lastSeen": 0} == {
            "name": "latency",
            "source": "metrics",
            "unit": "ms",
            "type": "histogram",
            "lastSeen": 0,
        }
        assert names["traces.span.duration"]["source"] == "spans"
        labels = await ask.get("/v1/labels", {"metric": "requests"})
        assert {label["name"] for label in labels["labels"]} == {
            *("app", "service", "type", "unit", "monotonic"),
            *("route", "zone"),
        }
        values = await ask.get("/v1/labels/route/values", {"metric": "requests"})
        assert {value["value"] for value in values["values"]} == {"/a", "/b"}


async def test_one_trace(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.get(f"/v1/traces/{TRACE.hex().upper()}")
        assert (await ask.get(f"/v1/traces/{'a' * 32}", status=404))["error"]["field"] == "traceId"
        await ask.get(f"/v1/traces/{TRACE.hex()}", token=SECRETS["other"], status=404)
        for wrong in ("abc", "g" * 32, "0" * 32, "a" * 33):
            await ask.get(f"/v1/traces/{wrong}", status=400)
    root, child = answer["spans"]
    assert answer["traceId"] == TRACE.hex()
    assert root == {
        "spanId": "01" * 8,
        "parentSpanId": "",
        "name": "GET /cart",
        "service": "web",
        "kind": "server",
        "startTime": str(at(2) + 7),
        "durationNs": 250 * MS,
        "status": "error",
        "statusMessage": "boom",
        "traceState": "",
        "attributes": {"http.route": "/cart"},
        "resourceAttributes": {"service.name": "web", "zone": "eu"},
        "scopeName": "http",
        "scopeVersion": "",
        "events": [
            {
                "time": str(at(2) + 9),
                "name": "exception",
                "attributes": {"exception.type": "KeyError"},
            }
        ],
        "links": [
            {
                "traceId": OTHER_TRACE.hex(),
                "spanId": "03" * 8,
                "traceState": "",
                "attributes": {"why": "retry"},
            }
        ],
        "app": "shop",
    }
    assert child["parentSpanId"] == "01" * 8


async def test_traces_are_found_by_their_spans(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:

        async def found(**question: Any) -> list[str]:
            answer = await ask.post("/v1/query/traces", {"from": START, "to": NOW, **question})
            return [trace["traceId"] for trace in answer["traces"]]

        both = [OTHER_TRACE.hex(), TRACE.hex()]
        assert await found() == both
        assert await found(limit=1) == both[:1]
        long_ago = START - 5 * 86_400_000
        assert await found(limit=1, **{"from": long_ago}) == both[:1]
        assert await found(limit=2, **{"from": long_ago}) == both
        assert await found(service="cart") == both
        assert await found(service="web") == both[1:]
        assert await found(operation="load", minDurationMs=20) == both[1:]
        assert await found(maxDurationMs=10) == both[:1]
        assert await found(status="error") == both[1:]
        assert await found(filters=[{"key": "http.route", "value": "/cart"}]) == both[1:]
        assert await found(filters=[{"key": "zone", "value": "us"}]) == []
        assert await found(filters=[{"key": "resource.zone", "value": "eu"}]) == both
        assert await found(filters=[{"key": "attr.http.route", "op": "exists"}]) == both[1:]
        for key, near in (("http.rout", "http.route"), ("resource.zones", "zone")):
            asked = {"from": START, "to": NOW, "filters": [{"key": key, "value": "x"}]}
            wrong = await ask.post("/v1/query/traces", asked, status=400)
            assert wrong["error"]["reason"] == "unknown_attribute"
            assert wrong["error"]["field"] == "filters[0].key"
            assert f"Did you mean '{near}'?" in wrong["error"]["message"]
            nothing = await ask.post("/v1/query/traces", asked, token=SECRETS["other"])
            assert nothing["traces"] == []  # a scope without any spans
        assert await found(**{"from": START + 150_000}) == both[:1]
        answer = await ask.post("/v1/query/traces", {"from": START, "to": NOW, "status": "error"})
        assert answer["traces"][0] == {
            "traceId": TRACE.hex(),
            "rootService": "web",
            "rootName": "GET /cart",
            "startTime": str(at(2) + 7),
            "durationNs": 250 * MS,
            "spans": 2,
            "errors": 1,
            "services": ["cart", "web"],
        }
        answer = await ask.post("/v1/query/traces", {"from": START, "to": NOW, "limit": 1})
        assert answer["meta"]["truncated"] is True
        none = await ask.post(
            "/v1/query/traces", {"from": START, "to": NOW}, token=SECRETS["other"]
        )
        assert none["traces"] == []


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_pages_of_logs_show_each_record_once(store: RunningStore, order: str) -> None:
    question: dict[str, Any] = {"from": START, "to": NOW, "order": order, "limit": 4}
    seen: list[dict[str, Any]] = []
    async with asking(store, clock_ms=lambda: NOW) as ask:
        while True:
            answer = await ask.post("/v1/query/logs", question)
            seen += answer["logs"]
            assert answer["meta"]["truncated"] is bool(answer["cursor"])
            if not answer["cursor"]:
                break
            question["cursor"] = answer["cursor"]
    assert len(seen) == LOGS
    assert {record["attributes"]["number"] for record in seen} == {str(i) for i in range(LOGS)}
    times = [int(record["time"]) for record in seen]
    assert times == sorted(times, reverse=order == "desc")
    assert len({record["id"] for record in seen}) == LOGS


async def test_logs_are_found(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:

        async def found(**question: Any) -> int:
            answer = await ask.post("/v1/query/logs", {"from": START, "to": NOW, **question})
            return len(answer["logs"])

        assert await found(service="cart") == LOGS
        assert await found(service="web") == 0
        assert await found(severity="warn") == 16
        assert await found(severity=17) == 8
        assert await found(contains="ORDER 1") == 11
        assert await found(contains="100%_done\\") == LOGS
        assert await found(contains="100xxdone") == 0
        assert await found(filters=[{"key": "tier", "value": "gold"}]) == 12
        assert await found(filters=[{"key": "zone", "value": "eu"}]) == LOGS
        below = {"key": "number", "op": "<", "value": 10}
        assert await found(filters=[below]) == 10
        assert await found(filters=[below, {"key": "number", "op": ">=", "value": "7.0"}]) == 3
        assert await found(filters=[{"key": "number", "op": "in", "value": [4.0, "5", 99]}]) == 2
        assert await found(traceId=TRACE.hex()) == 1
        assert await found(before=at(1) // MS) == 0
        answer = await ask.post(
            "/v1/query/logs", {"from": START, "to": NOW, "traceId": TRACE.hex()}
        )
        record = answer["logs"][0]
        assert record | {"id": ""} == {
            "id": "",
            "time": str(at(1)),
            "observedTime": str(at(1) + 99),
            "severityNumber": 13,
            "severityText": "WARN",
            "body": "Order 4 of 100%_done\\",
            "eventName": "",
            "service": "cart",
            "traceId": TRACE.hex(),
            "spanId": "01" * 8,
            "attributes": {"number": "4", "tier": "free"},
            "resourceAttributes": {"service.name": "cart", "zone": "eu"},
            "scopeName": "",
            "app": "shop",
        }
        for wrong in (
            {"severity": "loud"},
            {"severity": 25},
            {"limit": 1001},
            {"cursor": "x"},
            {"traceId": "12"},
            {"from": "now-40d", "to": "now"},
        ):
            await ask.post(
                "/v1/query/logs", {"from": START, "to": NOW, **wrong},
                status=422 if "from" in wrong else 400,
            )  # fmt: skip
