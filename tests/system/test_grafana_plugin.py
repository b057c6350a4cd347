"""The Grafana plugin's backend, by Grafana's protocol, on a real stack: what was sent is drawn."""

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nats
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from seamark.service.registry import OrgRecord, TokenRecord, digest, new_secret, put_record
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.until import until
from tests.system.grafana_plugin import Answer, Plugin, Source, build
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
EVENT = "plugin_checked"
COUNTRIES = {"DE": 23, "NL": 14}
SPANS = 9


@pytest.fixture(scope="module")
def binary() -> Path:
    return build()


@pytest.fixture(scope="module")
def plugin(binary: Path) -> Iterator[Plugin]:
    with Plugin(binary) as running:
        yield running


@pytest.fixture
def source(stack: Stack) -> Source:
    return Source(stack.urls.api, stack.credentials["query_token"])


@pytest.fixture(scope="module")
def sent(stack: Stack) -> int:
    """One batch of events and a few spans, sent once; how many events."""
    now_ms = time.time_ns() // 1_000_000
    events = [
        {"name": EVENT, "ts": now_ms - 1000, "attrs": {"country": country}}
        for country, count in COUNTRIES.items()
        for _ in range(count)
    ]
    request = urllib.request.Request(
        f"{stack.urls.ingest}/v1/ingest/batch",
        data=json.dumps(
            {"appId": "demo", "batchId": str(uuid.uuid4()), "sentAt": now_ms, "events": events}
        ).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["accepted"] == len(events)
    tracing = TracerProvider(
        resource=Resource({"service.name": "plugin-cart"}), shutdown_on_exit=False
    )
    headers = {"x-api-key": stack.credentials["ingest_key"]}
    exporter = OTLPSpanExporter(f"{stack.urls.ingest}/v1/traces", headers=headers)
    tracing.add_span_processor(BatchSpanProcessor(exporter))
    tracer = tracing.get_tracer("test")
    with tracer.start_as_current_span("parent"):
        for _ in range(SPANS - 1):
            tracer.start_span("child").end()
    tracing.shutdown()
    return len(events)


@pytest.fixture
async def stranger(stack: Stack) -> str:
    """A query token of another org on the same stack."""
    token = new_secret("query")
    client = await nats.connect(
        stack.urls.nats, user="seamark", password=stack.secrets["nats"], allow_reconnect=False
    )
    try:
        bucket = await client.jetstream().key_value(CONFIG_BUCKET)
        await put_record(bucket, OrgRecord(org="elsewhere", name="Elsewhere", salt="5a" * 16))
        await put_record(
            bucket,
            TokenRecord(token_id="tok-b", kind="query", org="elsewhere", digest=digest(token)),
        )
    finally:
        await client.close()
    return token


def counted(answer: Answer) -> dict[str, float]:
    """The sum of each series, by its country."""
    assert answer.error == ""
    found = {}
    for frame in answer.frames:
        if "dataTopic" in json.loads(frame.schema.metadata[b"meta"]):
            continue  # the mark of the bucket that has not ended
        for field in list(frame.schema)[1:]:
            labels = json.loads(field.metadata[b"labels"])
            found[labels["country"]] = sum(frame[field.name].to_pylist())
    return found


SERIES: Mapping[str, Any] = {
    "queryType": "timeseries",
    "request": {"metric": EVENT, "groupBy": ["country"], "cache": False},
}


def test_a_frame_counts_exactly_what_was_sent(plugin: Plugin, source: Source, sent: int) -> None:
    answer = until(
        lambda: plugin.query(source, SERIES), lambda got: sum(counted(got).values()) >= sent
    )
    assert counted(answer) == COUNTRIES
    meta = json.loads(answer.frames[0].schema.metadata[b"meta"])
    assert (meta["type"], meta["typeVersion"]) == ("timeseries-multi", [0, 1])
    assert meta["executedQueryString"].startswith("POST /v1/query/timeseries\n")
    assert meta["stats"][0]["displayName"] == "Rows read"


def test_a_breakdown_as_numbers_is_what_an_alert_rule_takes(
    plugin: Plugin, source: Source, sent: int
) -> None:
    request = {"metric": EVENT, "by": "country", "cache": False}
    query = {"queryType": "top", "format": "numeric", "request": request}
    until(lambda: plugin.query(source, SERIES), lambda got: sum(counted(got).values()) >= sent)
    answer = plugin.query(source, query)
    numbers = {
        json.loads(frame.schema.field(0).metadata[b"labels"])["country"]: frame[0].to_pylist()
        for frame in answer.frames
    }
    assert numbers == {country: [count] for country, count in COUNTRIES.items()}


def test_a_search_leads_to_its_trace(plugin: Plugin, source: Source, sent: int) -> None:
    search = {"queryType": "traces", "request": {"service": "plugin-cart"}}

    def whole(answer: Answer) -> bool:
        return bool(answer.frames) and answer.frames[0]["Spans"].to_pylist() == [SPANS]

    [found] = until(lambda: plugin.query(source, search), whole).frames
    field = found.schema.field("Trace ID")
    [link] = json.loads(field.metadata[b"config"])["links"]
    assert link["internal"]["datasourceUid"] == "seamark-1"
    followed = json.loads(
        json.dumps(link["internal"]["query"]).replace(
            "${__value.raw}", found["Trace ID"].to_pylist()[0]
        )
    )
    [trace] = plugin.query(source, followed).frames
    assert len(trace) == SPANS
    assert set(trace["operationName"].to_pylist()) == {"parent", "child"}


def test_an_org_sees_nothing_of_another(
    plugin: Plugin, source: Source, sent: int, stranger: str
) -> None:
    until(lambda: plugin.query(source, SERIES), lambda got: sum(counted(got).values()) >= sent)
    other = Source(source.url, stranger, id=2)
    until(lambda: plugin.health(other), lambda health: health[0])
    assert [len(frame.schema) for frame in plugin.query(other, SERIES).frames] == [0]
    for query in (
        {"queryType": "traces", "request": {"service": "plugin-cart"}},
        {"queryType": "logs"},
        {"queryType": "ledger"},
    ):
        assert [len(frame) for frame in plugin.query(other, query).frames] == [0]
    status, names = plugin.resource(other, "metrics?prefix=plugin")
    assert (status, names["metrics"]) == (200, [])
    asked = {**SERIES, "request": {**SERIES["request"], "orgId": "demo"}}
    refused = plugin.query(other, asked)
    assert (refused.status, refused.frames) == (400, [])
    assert refused.error.startswith("orgId: ")


def test_editors_are_offered_names_and_values(plugin: Plugin, source: Source, sent: int) -> None:
    until(lambda: plugin.query(source, SERIES), lambda got: sum(counted(got).values()) >= sent)
    _, names = plugin.resource(source, "metrics?prefix=plugin")
    assert [name["name"] for name in names["metrics"]] == [EVENT]
    _, values = plugin.resource(source, f"labels/country/values?metric={EVENT}")
    assert {found["value"]: found["count"] for found in values["values"]} == COUNTRIES
    assert plugin.resource(source, "v1/ledger")[0] == 404


def test_health_names_what_is_wrong(plugin: Plugin, source: Source, sent: int) -> None:
    until(lambda: plugin.query(source, SERIES), lambda got: sum(counted(got).values()) >= sent)
    healthy, words = plugin.health(source)
    assert healthy, words
    assert words.startswith("Connected.")

    healthy, words = plugin.health(Source(source.url, "smq_wrong", id=3))
    assert not healthy
    assert words.startswith("The token is not known")
    assert "smq_wrong" not in words

    assert plugin.health(Source(source.url, "", id=4))[1].startswith("No token")
    assert plugin.health(Source("", "smq_x", id=5))[1].startswith("No URL")


def test_a_stopped_api_is_distinguished_from_a_wrong_question(
    plugin: Plugin, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Stack(tmp_path_factory.mktemp("stopped") / "data") as short:
        gone = Source(short.urls.api, short.credentials["query_token"], id=6)
        assert plugin.health(gone)[0]
        wrong = plugin.query(gone, {"queryType": "timeseries", "request": {"metric": ""}})
        assert wrong.status == 400
    healthy, words = plugin.health(gone)
    assert not healthy
    assert f"no answer from Seamark's API at {gone.url}" in words
    away = plugin.query(gone, SERIES)
    assert (away.status, away.frames) == (502, [])
