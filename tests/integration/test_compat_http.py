"""The older routes of a collector process before a real log: in the answer, then in the log."""

import gzip
import json
import zlib
from typing import Any

import pytest
import zstandard

from seamark.wire.limits import BODY_BYTES
from tests.support.collector_process import (
    DISABLED_KEY,
    FENCED_KEY,
    KEY,
    ORIGIN,
    Answered,
    CollectorProcess,
    messages,
    prepare,
    stored,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
NAMED, LOOSE, METRICS = "/v1/events", "/events", "/metrics"
AT = 1_795_316_640_000
GOOD: dict[str, Any] = {
    NAMED: {"eventId": "e", "eventType": "a", "userId": "ada", "properties": {}},
    LOOSE: [{"event": "a", "timestamp": AT, "user_id": "ada"}],
    METRICS: {"metrics": [{"timestamp": AT, "name": "a", "value": 1, "tags": {}}]},
}
EXPECTED: dict[str, Any] = {
    NAMED: {"status": "accepted", "eventId": "e"},
    LOOSE: {"status": "accepted", "count": 1},
    METRICS: {"success": True, "metrics_processed": 1},
}
ROUTES = sorted(GOOD)


def send(
    collector: CollectorProcess, path: str, body: bytes | None = None, **headers: str
) -> Answered:
    given = {"X-API-Key": KEY, "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        body = json.dumps(GOOD[path]).encode()
    return collector.request("POST", path, body, {k: v for k, v in given.items() if v})


def deflated(body: bytes) -> bytes:
    return zlib.compress(body)


@pytest.mark.parametrize("path", ROUTES)
def test_answered_once_the_log_has_it_in_every_coding(
    collector: CollectorProcess, log: NatsServer, path: str
) -> None:
    body = json.dumps(GOOD[path]).encode()
    before = len(stored(log))
    for coding, packed in (
        ("", body),
        ("gzip", gzip.compress(body)),
        ("deflate", deflated(body)),
        ("zstd", zstandard.compress(body)),
    ):
        answer = send(collector, path, packed, Content_Encoding=coding)
        assert answer.status == (200 if path == METRICS else 202), answer.body
        assert answer.json == EXPECTED[path]
    envelopes = list(stored(log).values())
    assert len(envelopes) == before + 4
    assert not any(b"ada" in envelope.body for envelope in envelopes)
    assert {envelope.texts[17] for envelope in envelopes} == {f"id-{KEY}"}
    assert {envelope.texts[19] for envelope in envelopes} == {"compat"}


def test_an_event_id_goes_where_it_meets_itself(
    collector: CollectorProcess, log: NatsServer
) -> None:
    body = {"eventId": "again", "eventType": "a"}
    for document in (body, [body, {**body, "eventId": "other"}], body):
        assert send(collector, NAMED, json.dumps(document).encode()).status == 202
    found = [
        (message.partition, "e" in message.headers.get("Seamark-Frames", ""))
        for message in messages(log)
        for envelope in message.envelopes
        if b'"again"' in envelope.body
    ]
    assert len(found) == 3
    assert len({partition for partition, _ in found}) == 1


@pytest.mark.parametrize("path", ROUTES)
def test_keys_limits_and_pages(collector: CollectorProcess, path: str) -> None:
    beacon = collector.request(
        "POST",
        f"{path}?k={KEY}&enc=gzip",
        gzip.compress(json.dumps(GOOD[path]).encode()),
        {"Content-Type": "text/plain;charset=UTF-8"},
    )
    assert beacon.json == EXPECTED[path]
    for headers, status in (
        ({"X_API_Key": ""}, 401),
        ({"X_API_Key": "smk_wrong"}, 401),
        ({"X_API_Key": DISABLED_KEY}, 403),
        ({"X_API_Key": FENCED_KEY, "Origin": "https://evil.example"}, 403),
        ({"Content_Type": "application/x-protobuf"}, 415),
        ({"Content_Encoding": "br"}, 415),
    ):
        answer = send(collector, path, None, **headers)
        assert answer.status == status, (headers, answer.body)
        assert answer.json["error"]["message"]
    assert send(collector, path, b" " * (BODY_BYTES + 1)).status == 413
    bomb = gzip.compress(b" " * 5_000_000)
    assert send(collector, path, bomb, Content_Encoding="gzip").reason == "inflated_too_large"

    fenced = send(collector, path, X_API_Key=FENCED_KEY, Origin=ORIGIN)
    assert fenced.headers["access-control-allow-origin"] == ORIGIN
    preflight = collector.request(
        "OPTIONS",
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status == 204
    assert preflight.headers["access-control-max-age"] == "7200"
    assert "POST" in preflight.headers["access-control-allow-methods"]


def test_own_metrics_count_the_routes_and_are_not_on_the_public_port(
    collector: CollectorProcess,
) -> None:
    for path in ROUTES:
        send(collector, path)
    assert collector.get(METRICS).status == 405
    text = collector.own_metrics()
    assert all(f'route="{path}"' in text for path in ROUTES)


def test_a_log_that_is_away_takes_nothing(
    tmp_path: Any,
) -> None:
    with NatsServer(tmp_path / "nats") as server:
        prepare(server)
        with CollectorProcess(server, tmp_path / "collector") as collector:
            assert send(collector, LOOSE).status == 202
            server.kill()
            for path in ROUTES:
                answer = send(collector, path)
                assert answer.status == 503, answer.body
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.json["nextRetryAfterMs"] > 0
