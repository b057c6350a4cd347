"""Metrics by attributes of their resource; unknown keys and metrics; units that differ."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from seamark.wire.signals import Signal
from tests.support.metric_store import attributes, nanos
from tests.support.questions_stack import RunningStore, asking, envelope, running_store

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123
AT = nanos(NOW // 60_000 * 60_000 - 60_000)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def gauge(name: str, value: float, *, unit: str = "", **more: Any) -> dict[str, Any]:
    point = {"timeUnixNano": AT, "asDouble": value, **more}
    return {"name": name, "unit": unit, "gauge": {"dataPoints": [point]}}


def sent(metric: dict[str, Any], **resource: str) -> bytes:
    dotted = {key.replace("_", "."): value for key, value in resource.items()}
    part = {"resource": {"attributes": attributes(dotted)}, "scopeMetrics": [{"metrics": [metric]}]}
    request = json_format.ParseDict({"resourceMetrics": [part]}, ExportMetricsServiceRequest())
    body = request.SerializeToString()
    return envelope(Signal.METRICS, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    trace_id = base64.b64encode(bytes.fromhex(TRACE)).decode()
    exemplar = {"timeUnixNano": AT, "asDouble": 7.5, "traceId": trace_id}
    traced = gauge("traced", 7.5, exemplars=[exemplar])
    envelopes = [
        sent(gauge("queue", 10), service_name="q", host_name="h1", k8s_pod_name="p1"),
        sent(gauge("queue", 20), service_name="q", host_name="h1", k8s_pod_name="p2"),
        sent(gauge("lat", 1, unit="s"), service_name="a"),
        sent(gauge("lat", 1000, unit="ms"), service_name="b"),
        sent(traced, service_name="t", host_name="h9"),
    ]
    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(running.provision())
        asyncio.run(running.insert(Signal.METRICS, envelopes))
        yield running


async def ask(store: RunningStore, metric: str, *, status: int = 200, **more: Any) -> Any:
    question = {"metric": metric, "granularity": "1h", "from": "now-1h", **more}
    async with asking(store, clock_ms=lambda: NOW) as api:
        return await api.post("/v1/query/timeseries", question, status=status)


def values(answer: Any) -> dict[tuple[str, ...], list[Any]]:
    return {tuple(s["labels"].values()): s["rows"][0][1:] for s in answer["series"]}


async def test_metrics_by_attributes_of_their_resource(store: RunningStore) -> None:
    found = await ask(store, "queue", agg=["avg"], groupBy=["k8s.pod.name"])
    assert values(found) == {("p1",): [10], ("p2",): [20]}
    for key in ("host.name", "resource.host.name"):
        found = await ask(
            store,
            "queue",
            agg=["avg", "sum_last", "avg_last"],
            filters=[{"key": key, "value": "h1"}],
        )
        assert values(found) == {(): [15, 30, 15]}
    async with asking(store, clock_ms=lambda: NOW) as api:
        top = {"metric": "queue", "by": "k8s.pod.name", "agg": "sum_last", "from": "now-1h"}
        found = await api.post("/v1/query/top", top)
        assert [(v["label"], v["value"]) for v in found["values"]] == [("p2", 20), ("p1", 10)]
        labels = await api.get("/v1/labels", {"metric": "queue"})
        assert {"host.name", "k8s.pod.name"} <= {label["name"] for label in labels["labels"]}


async def test_a_key_that_no_series_has_is_an_error(store: RunningStore) -> None:
    for more in ({"groupBy": ["k8s.pod.nam"]}, {"filters": [{"key": "k8s.pod.nam", "value": "x"}]}):
        refused = await ask(store, "queue", status=400, **more)
        assert refused["error"]["reason"] == "unknown_attribute"
        assert "Did you mean 'k8s.pod.name'?" in refused["error"]["message"]
    # another metric has it
    refused = await ask(store, "lat", status=400, groupBy=["k8s.pod.name"])
    assert refused["error"]["reason"] == "unknown_attribute"


async def test_a_metric_that_has_not_arrived_is_an_empty_answer(store: RunningStore) -> None:
    for agg in (["avg"], ["sum_last"], ["uniq_users"]):
        found = await ask(
            store, "later", agg=agg, groupBy=["k8s.pod.name"] if "u" not in agg[0] else []
        )
        assert found["series"] == []
    async with asking(store, clock_ms=lambda: NOW) as api:
        top = {"metric": "later", "by": "k8s.pod.name", "from": "now-1h"}
        assert (await api.post("/v1/query/top", top))["values"] == []


async def test_units_are_never_mixed(store: RunningStore) -> None:
    refused = await ask(store, "lat", status=400, agg=["avg"])
    assert refused["error"]["reason"] == "mixed_units"
    assert "ms, s" in refused["error"]["message"]
    found = await ask(store, "lat", agg=["avg"], groupBy=["unit"])
    assert values(found) == {("ms",): [1000], ("s",): [1]}
    found = await ask(store, "lat", agg=["avg"], filters=[{"key": "unit", "value": "s"}])
    assert values(found) == {(): [1]}
    async with asking(store, clock_ms=lambda: NOW) as api:
        top = {"metric": "lat", "by": "app", "agg": "avg", "from": "now-1h"}
        refused = await api.post("/v1/query/top", top, status=400)
        assert refused["error"]["reason"] == "mixed_units"
        found = await api.post("/v1/query/top", top | {"by": "unit"})
        assert found["total"] is None
        assert {v["label"]: v["value"] for v in found["values"]} == {"ms": 1000, "s": 1}


async def test_exemplars_of_metrics(store: RunningStore) -> None:
    found = await ask(store, "traced", agg=["avg"], groupBy=["host.name"], exemplars=True)
    (exemplar,) = found["exemplars"]
    assert exemplar["labels"] == {"host.name": "h9"}
    assert (exemplar["traceId"], exemplar["value"]) == (TRACE, 7.5)
