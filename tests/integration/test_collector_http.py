"""The collector as a process, before a real log: what is answered is what is stored."""

import gzip
import json
import socket
import threading
import time
import uuid
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.support.collector_process import (
    DISABLED_KEY,
    EXPIRED_KEY,
    FENCED_KEY,
    KEY,
    ORIGIN,
    ORPHAN_KEY,
    ROUTE,
    CollectorProcess,
    batch,
    stored,
)
from tests.support.servers import NatsServer, free_port

pytestmark = pytest.mark.integration
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(scope="module")
def collector_settings() -> dict[str, Any]:
    return {"datacenter": "ams1", "header_deadline_seconds": 0.5, "body_deadline_seconds": 0.7}


def test_a_batch_is_stored_as_it_was_answered(collector: CollectorProcess, log: NatsServer) -> None:
    answer = collector.send(
        batch(
            {"ts": "2026-11-22T10:00:00+01:00", "name": "feature_click", "value": 3},
            {"ts": 1795316640000, "name": "no spaces"},
            {"ts": 1795316640000.5, "name": "ok", "attrs": {"a": None, "b": 1, "c": True}},
            sdk={"name": "web", "version": "1.2.3"},
            appId="shop",
            sentAt=1795316650000,
        ),
        User_Agent=IPHONE,
    )

    assert answer.status == 202, answer.body
    receipt = answer.json["receiptId"]
    assert uuid.UUID(receipt).version == 7
    assert answer.json == {
        "accepted": 2,
        "rejected": 1,
        "errors": [
            {
                "index": 1,
                "reason": "invalid_name",
                "message": "events[1].name: 'no spaces' is not a name; use 1 to 128 of "
                "A-Z a-z 0-9 . _ / : -",
            }
        ],
        "receiptId": receipt,
    }
    envelope = stored(log)[receipt]
    assert envelope.outcome == {"offered": 3, "accepted": 2}
    assert envelope.rejected == {"invalid_name": 1}
    assert envelope.sent_ms == 1795316650000
    assert envelope.events == [
        {"ts": "2026-11-22T10:00:00+01:00", "name": "feature_click", "value": 3.0},
        {"ts": 1795316640000.5, "name": "ok", "attrs": {"b": 1, "c": True}, "attrTypes": "ib"},
    ]
    texts = envelope.texts
    assert texts[1] == "acme"
    assert texts[2] == "shop"
    assert len(texts[6]) == 16
    assert texts[8] == "Mobile Safari"
    assert texts[10] == "iOS"
    assert texts[12] == "mobile"
    assert (texts[13], texts[14]) == ("web", "1.2.3")
    assert texts[15] == "ams1"
    assert texts[17] == f"id-{KEY}"
    assert texts[19] == "native"
    assert b"127.0.0.1" not in envelope.body + "".join(texts.values()).encode()


def test_a_batch_of_nothing_good_reaches_the_ledger(
    collector: CollectorProcess, log: NatsServer
) -> None:
    answer = collector.send(batch({"name": "x"}, {"ts": 5_000_000_000_000, "name": "x"}, 7))  # type: ignore[arg-type]

    assert answer.status == 202
    assert (answer.json["accepted"], answer.json["rejected"]) == (0, 3)
    envelope = stored(log)[answer.json["receiptId"]]
    assert envelope.body == b"[]"
    assert envelope.outcome == {"offered": 3}
    assert envelope.rejected == {"invalid_timestamp": 2, "invalid_event": 1}


def test_a_retried_batch_has_one_receipt(collector: CollectorProcess, log: NatsServer) -> None:
    answers = [collector.send(batch(batchId="b-1"), User_Agent=agent) for agent in ("a", "b")]
    other = collector.send(batch(batchId="b-2"))

    assert {answer.status for answer in answers} == {202}
    [receipt] = {answer.json["receiptId"] for answer in answers}
    assert other.json["receiptId"] != receipt
    assert {receipt, other.json["receiptId"]} <= set(stored(log))


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("identity", lambda data: data),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("deflate", zlib.compress),
        ("deflate", _raw_deflate),
        ("zstd", zstandard.compress),
        ("zstd", lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:])),
    ],
)
def test_content_codings(collector: CollectorProcess, coding: str, packed: "type[bytes]") -> None:
    body = packed(json.dumps(batch()).encode())

    answer = collector.send(body, Content_Encoding=coding)

    assert answer.status == 202, answer.body
    assert answer.json["accepted"] == 1


def test_a_beacon_needs_no_header(collector: CollectorProcess) -> None:
    body = gzip.compress(json.dumps(batch()).encode())
    answer = collector.request(
        "POST",
        f"{ROUTE}?k={KEY}&enc=gzip",
        body,
        {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://any.example"},
    )

    assert answer.status == 202
    assert answer.headers["access-control-allow-origin"] == "https://any.example"
    assert answer.headers["vary"] == "Origin"
    assert "cache-control" not in answer.headers


def test_bearer_and_chunks_and_expect(collector: CollectorProcess) -> None:
    body = json.dumps(batch()).encode()
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {KEY}\r\n"
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for part in (body[:5], body[5:]):
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    ("key", "status", "reason"),
    [
        ("", 401, "missing_key"),
        ("smk_nobody", 401, "unknown_key"),
        ("é" * 20, 401, "unknown_key"),
        ("k" * 5000, 401, "unknown_key"),
        (EXPIRED_KEY, 401, "unknown_key"),
        (DISABLED_KEY, 403, "app_disabled"),
        (ORPHAN_KEY, 403, "app_disabled"),
    ],
)
def test_keys(collector: CollectorProcess, key: str, status: int, reason: str) -> None:
    answer = collector.send(batch(), key=key)

    assert (answer.status, answer.reason) == (status, reason)
    assert answer.json["error"]["message"]


def test_origins(collector: CollectorProcess) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    preflight = collector.request("OPTIONS", ROUTE, None, asked)
    refused = collector.send(batch(), key=FENCED_KEY, Origin="https://evil.example")
    allowed = collector.send(batch(), key=FENCED_KEY, Origin=ORIGIN)
    no_browser = collector.send(batch(), key=FENCED_KEY)

    assert preflight.status == 204
    assert preflight.headers["access-control-max-age"] == "7200"
    assert preflight.headers["access-control-allow-origin"] == "https://evil.example"
    assert preflight.headers["access-control-allow-headers"] == "content-type,x-api-key"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert (refused.status, refused.reason) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in refused.headers
    assert allowed.status == no_browser.status == 202
    assert allowed.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_may_read_its_errors(collector: CollectorProcess) -> None:
    answer = collector.send(b"{", Origin="https://any.example")

    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == "https://any.example"


def test_an_app_of_another_key_is_refused(collector: CollectorProcess) -> None:
    answer = collector.send(batch(appId="other"))

    assert (answer.status, answer.reason) == (403, "app_mismatch")
    assert answer.json["error"]["field"] == "appId"


def test_paths_and_methods(collector: CollectorProcess) -> None:
    assert collector.get("/nothing").reason == "not_found"
    wrong = collector.get(ROUTE)
    assert (wrong.status, wrong.reason) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST, OPTIONS"
    assert collector.request("DELETE", "/livez").status == 405
    head = collector.request("HEAD", "/livez")
    assert (head.status, head.body) == (200, b"")
    assert collector.get("/livez").json == {"status": "ok"}
    health = collector.get("/v1/healthz").json
    assert health["status"] == "ok"
    parts = {part["name"] for part in health["parts"]}
    assert parts == {"durability", "log", "log streams", "registry"}


def test_metrics_tell_what_happened(collector: CollectorProcess) -> None:
    collector.send(batch({"ts": 1, "name": "a"}, {"ts": 1, "name": "b c"}))
    collector.send(b"{")
    text = collector.own_metrics()
    for line in (
        'seamark_collector_items_rejected_total{reason="invalid_name",signal="events"}',
        'seamark_collector_items_accepted_total{signal="events"}',
        f'seamark_collector_requests_total{{route="{ROUTE}",status="202"}}',
        f'seamark_collector_request_failures_total{{reason="malformed",route="{ROUTE}"}}',
        'seamark_collector_log_messages_total{signal="events"}',
        "seamark_collector_in_flight_bytes 0.0",
    ):
        assert line in text


def test_keys_and_bodies_are_not_logged(collector: CollectorProcess) -> None:
    collector.send(batch({"ts": 1, "name": "a", "attrs": {"secret": "hunter2"}}))

    text = collector.output.read_text()
    assert KEY not in text
    assert "hunter2" not in text


def test_requests_one_behind_the_other_are_answered_in_order(collector: CollectorProcess) -> None:
    bodies = [json.dumps(batch(batchId=f"pipe-{n}")).encode() for n in range(40)]
    requests = b"".join(
        b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n%s\r\n%s"
        % (
            ROUTE.encode(),
            KEY.encode(),
            len(body),
            b"Connection: close\r\n" if n == 39 else b"",
            body,
        )
        for n, body in enumerate(bodies)
    )

    answers = collector.raw(requests)

    assert answers.count(b"HTTP/1.1 202 ") == 40


def test_otlp_is_served_beside_it(log: NatsServer, tmp_path: Path) -> None:
    grpc_port = free_port()
    with CollectorProcess(log, tmp_path, grpc_port=grpc_port) as collector:
        headers = {"Content-Type": "application/json", "X-API-Key": KEY}
        answer = collector.request("POST", "/v1/traces", b'{"resourceSpans":[]}', headers)
        refused = collector.request("POST", "/v1/traces", b"{}", headers | {"X-API-Key": "no"})
        socket.create_connection(("127.0.0.1", grpc_port), timeout=5).close()

    assert (answer.status, answer.json) == (200, {})
    assert refused.status == 401
    assert "message" in refused.json


def test_stopping_finishes_what_is_under_way(log: NatsServer, tmp_path: Path) -> None:
    collector = CollectorProcess(log, tmp_path).start()
    body = json.dumps(batch()).encode()
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\n"
    )
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        codes: list[int] = []
        stopping = threading.Thread(target=lambda: codes.append(collector.stop()))
        stopping.start()
        while True:  # until it no longer listens
            try:
                socket.create_connection(("127.0.0.1", collector.port), timeout=1).close()
            except ConnectionRefusedError:
                break
            time.sleep(0.01)
        connection.sendall(body)
        answer = connection.recv(65536)
    stopping.join(15)

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert codes == [0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["receiptId"] in stored(log)
