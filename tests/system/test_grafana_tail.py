"""Explore's live tail by Grafana's protocol, on a real stack: what is sent is streamed, once."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.system.grafana_plugin import Plugin, Source, build
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
SERVICE = "plugin-tail"
CHANNEL = {
    "queryType": "logs",
    "app": "demo",
    "request": {"service": SERVICE, "severity": "info", "limit": 10},
}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with Plugin(build()) as running:
        yield running


@pytest.fixture
def source(stack: Stack) -> Source:
    return Source(stack.urls.api, stack.credentials["query_token"])


def send(stack: Stack, *bodies: str, service: str = SERVICE) -> None:
    """Log records over OTLP/HTTP, as JSON."""
    records = [
        {
            "timeUnixNano": str(time.time_ns() + place),
            "severityNumber": 9,
            "body": {"stringValue": b},
        }
        for place, b in enumerate(bodies)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    request = urllib.request.Request(
        f"{stack.urls.ingest}/v1/logs",
        data=json.dumps(body).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def lines(packet: Any) -> list[str]:
    """The bodies of a frame as Grafana's frontend gets it."""
    frame = json.loads(packet.data)
    names = [field["name"] for field in frame["schema"]["fields"]]
    assert frame["schema"]["meta"]["type"] == "log-lines"
    found: list[str] = frame["data"]["values"][names.index("body")]
    return found


def test_what_is_sent_is_streamed(stack: Stack, plugin: Plugin, source: Source) -> None:
    assert plugin.subscribe(source, "tail/abc", CHANNEL) == 0
    assert plugin.subscribe(source, "tail/abc", {"queryType": "traces"}) == 1
    stream = plugin.stream(source, "tail/abc", CHANNEL)
    try:
        # the stream has no sign of its beginning, so something is sent until it is seen
        begun = threading.Event()

        def knock() -> None:
            while not begun.wait(0.5):
                send(stack, "knock")

        knocking = threading.Thread(target=knock)
        knocking.start()
        try:
            assert set(lines(next(stream))) == {"knock"}
        finally:
            begun.set()
            knocking.join()
        send(stack, "of another", service="another")
        send(stack, "one", "two")
        send(stack, "three")
        found: list[str] = []
        while len(found) < 3:
            found += [body for body in lines(next(stream)) if body != "knock"]
        assert sorted(found) == ["one", "three", "two"]
        assert found.index("one") < found.index("two")
    finally:
        stream.cancel()
    with pytest.raises(grpc.RpcError):
        next(stream)


def test_a_token_that_is_not_known_ends_it(plugin: Plugin, source: Source) -> None:
    unknown = Source(source.url, "smq_nobody", id=99)
    with pytest.raises(grpc.RpcError) as ended:
        next(plugin.stream(unknown, "tail/abc", CHANNEL))
    assert "not known" in str(ended.value)
