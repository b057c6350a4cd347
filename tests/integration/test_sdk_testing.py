"""The pytest plugin of the SDK: takes what any SDK sends, and fails for what is not as asked."""

import gzip
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from seamark_sdk.testing.received import Received
from seamark_sdk.testing.server import TestCollector, native_problems

from tests.properties.test_sdk_schema import accepted, batches
from tests.support.sdk_log import ROOT, WRAPPERS, sdk_environment

DOCS = (ROOT / "docs" / "sdk" / "python.md").read_text()


@pytest.fixture
def seamark() -> Iterator[Received]:
    collector = TestCollector().start()
    collector.received._seconds = 0.5
    yield collector.received
    collector.stop()


def post(
    seamark: Received, path: str, document: Any, *, query: str = "", **headers: str
) -> tuple[int, bytes]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    told = {
        "Content-Type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    request = urllib.request.Request(f"{seamark.endpoint}{path}{query}", body, told)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def events(*attributes: dict[str, object], name: str = "page_view") -> dict[str, object]:
    return {"events": [{"ts": 1795316640000, "name": name, "attrs": one} for one in attributes]}


def test_the_example_of_the_docs_runs_as_a_user_runs_it(tmp_path: Path) -> None:
    found = re.search(r"^```python testing\n(.*?)^```$", DOCS, re.M | re.S)
    assert found is not None
    (tmp_path / "test_shop.py").write_text(found[1])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "seamark_sdk.testing.plugin", "--rootdir=."],
        cwd=tmp_path,
        env=sdk_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_native_batch_of_a_browser_is_taken(seamark: Received) -> None:
    body = gzip.compress(json.dumps(events({"page": "/cart"})).encode())
    status, told = post(
        seamark, "/v1/ingest/batch", body, query="?k=x&enc=gzip", Content_Type="text/plain"
    )
    assert (status, json.loads(told)["accepted"]) == (202, 1)
    (item,) = seamark.received("page_view", page="/cart")
    assert item.document["ts"] == 1795316640000


def test_opentelemetrys_own_exporters_are_taken(seamark: Received) -> None:
    tracing = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{seamark.endpoint}/v1/traces")
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing.get_tracer("t").start_as_current_span("checkout") as span:
        span.set_attributes({"http.request.method": "GET", "n": 3})
    tracing.shutdown()
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{seamark.endpoint}/v1/metrics")
    )
    meters = MeterProvider(metric_readers=[reader])
    meters.get_meter("t").create_counter("orders").add(2, {"plan": "gold"})
    meters.shutdown()

    wanted: dict[str, Any] = {"http.request.method": "GET", "n": 3}
    (item,) = seamark.spans("checkout", **wanted)
    assert item.document["traceId"] == f"{span.get_span_context().trace_id:032x}"
    assert item.resource["telemetry.sdk.name"] == "opentelemetry"
    (point,) = seamark.metrics("orders", plan="gold")
    assert point.document["asInt"] == "2"


def test_otlp_as_json_is_taken_with_its_hex_ids(seamark: Received) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    record = {"traceId": trace_id, "eventName": "boom", "body": {"stringValue": "x"}}
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert post(seamark, "/v1/logs", document) == (200, b"{}")
    (item,) = seamark.logs("boom")
    assert item.document["traceId"] == trace_id


def test_what_did_not_arrive_is_told_with_what_did(seamark: Received) -> None:
    post(seamark, "/v1/ingest/batch", events({"page": "/cart"}, {"page": "/cart"}))
    with pytest.raises(AssertionError, match=r"of that name came .*/cart"):
        seamark.received("page_view", page="/thanks")
    with pytest.raises(AssertionError, match=r"what came is \['page_view'\]"):
        seamark.received("purchase")
    with pytest.raises(AssertionError, match="2 of event"):
        seamark.received("page_view", times=1)
    with pytest.raises(AssertionError, match="2 of event"):
        seamark.received("page_view", times=0)
    seamark.received("purchase", times=0)
    seamark.clear()
    seamark.received("page_view", times=0)


def test_schema_pii_and_cardinality_are_held(seamark: Received) -> None:
    rows: list[dict[str, object]] = [
        {"page": f"/user/{number}", "who": "ann@shop.example", "note": "for Ann"}
        for number in range(3)
    ]
    post(seamark, "/v1/ingest/batch", events(*rows))
    with pytest.raises(AssertionError, match=r"page_view: .*who: 'ann@shop.example'"):
        seamark.no_pii()
    with pytest.raises(AssertionError, match="page has 3 values, at most 2"):
        seamark.cardinality("page", most=2)
    seamark.cardinality("page", most=3)
    seamark.cardinality("page", most=0, name="other")
    with pytest.raises(AssertionError, match="page_view: page: "):
        seamark.matches("page_view", {"properties": {"page": {"maxLength": 3}}})
    seamark.matches("page_view", {"required": ["page"]})
    seamark.clear()
    post(seamark, "/v1/ingest/batch", events({"note": "for Ann"}))
    seamark.no_pii()
    with pytest.raises(AssertionError, match="has 'Ann'"):
        seamark.no_pii("Ann")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (events({"a": {"nested": 1}}), "events.0.attrs.a"),
        (events({"a": "x" * 4097}), "events.0.attrs.a: more than 4096 bytes"),
        (events({}, name="two words"), "events.0.name"),
        ({}, "events"),
        (b"{", "/v1/ingest/batch"),
    ],
)
def test_what_the_collector_would_reject_is_a_problem(
    document: Any, problem: str, seamark: Received
) -> None:
    post(seamark, "/v1/ingest/batch", document)
    with pytest.raises(AssertionError, match=re.escape(problem)):
        seamark.valid()


@given(document=batches)
def test_problems_are_those_of_the_collector(document: dict[str, Any]) -> None:
    """Where the schema and the collector agree: `tests/properties/test_sdk_schema.py`."""
    if isinstance(document.get("events"), list):
        times_apart = "T" in json.dumps(document)  # formats are not asserted by the plugin
        assert times_apart or (native_problems(document) == []) == accepted(document)


def test_the_plugin_has_the_schema_of_the_specification() -> None:
    spec = (WRAPPERS / "spec" / "schema" / "batch.json").read_bytes()
    own = WRAPPERS / "python" / "src" / "seamark_sdk" / "testing" / "batch.json"
    assert own.read_bytes() == spec, "copy sdk-wrappers/spec/schema/batch.json"
