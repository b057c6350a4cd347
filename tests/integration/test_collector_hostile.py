"""Hostile input on raw sockets: each gets its own clear 4xx, within bounds, and harms nobody."""

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from seamark.wire.limits import BODY_BYTES
from tests.support.collector_process import KEY, ROUTE, CollectorProcess, batch, stored
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration
DEEP = 10**6
MEBIBYTE = 1024 * 1024
LONG = b"x" * 129
GOOD = json.dumps(batch()).encode()


@pytest.fixture(scope="module")
def collector_settings() -> dict[str, Any]:
    return {"header_deadline_seconds": 0.4, "body_deadline_seconds": 0.5, "connections": 200}


@pytest.fixture(autouse=True)
def unharmed(collector: CollectorProcess) -> Iterator[None]:
    """The next request is served, and the process is the one it was."""
    assert collector.process is not None
    before = collector.process.pid
    yield
    assert collector.send(batch()).status == 202
    assert collector.process.pid == before
    assert collector.process.poll() is None
    assert "Traceback" not in collector.output.read_text()


def zstd_bomb(size: int) -> bytes:
    """One frame that does not say how large it becomes."""
    packer = zstandard.ZstdCompressor(level=1, write_content_size=False).compressobj()
    chunk = bytes(MEBIBYTE)
    return b"".join(packer.compress(chunk) for _ in range(size // len(chunk))) + packer.flush()


BOMB = "inflated_too_large"
PACKED = gzip.compress(GOOD)
WHOLE = [
    ("not json", b"hello", "", 400, "malformed"),
    ("empty", b"", "", 400, "malformed"),
    ("an array", b"[]", "", 400, "malformed"),
    ("no events", b"{}", "", 400, "malformed"),
    ("events is no array", b'{"events":{}}', "", 400, "malformed"),
    ("events is null", b'{"events":null}', "", 400, "malformed"),
    ("half of it", GOOD[:-3], "", 400, "malformed"),
    ("more behind it", GOOD + b"x", "", 400, "malformed"),
    ("a raw NUL", b'{"events":[{"ts":1,"name":"a\0"}]}', "", 400, "malformed"),
    ("utf-16", GOOD.decode().encode("utf-16"), "", 400, "malformed"),
    ("deep arrays", b'{"events":' + b"[" * 400_000, "", 400, "nested_too_deep"),
    ("deep objects", b'{"events":[' + b'{"attrs":' * 50_000, "", 400, "nested_too_deep"),
    (
        "10^6 levels, packed",
        gzip.compress(b'{"x":' + b"[" * DEEP + b"]" * DEEP + b',"events":[]}'),
        "gzip",
        400,
        "nested_too_deep",
    ),
    ("too many", b'{"events":[' + b"1," * 200_000 + b"1]}", "", 413, "too_many_events"),
    ("sentAt is a word", b'{"sentAt":"soon","events":[]}', "", 400, "invalid_timestamp"),
    ("sentAt in 9999", b'{"sentAt":253402300799000,"events":[]}', "", 400, "invalid_timestamp"),
    ("sentAt is before 1970", b'{"sentAt":-1,"events":[]}', "", 400, "invalid_timestamp"),
    ("batchId is a number", b'{"batchId":7,"events":[]}', "", 400, "invalid_identifier"),
    ("a long batchId", b'{"batchId":"%s","events":[]}' % LONG, "", 400, "invalid_identifier"),
    ("sdk is a number", b'{"sdk":7,"events":[]}', "", 400, "malformed"),
    ("appId is a list", b'{"appId":[],"events":[]}', "", 400, "malformed"),
    ("not gzip", GOOD, "gzip", 400, "malformed"),
    ("half of the gzip", PACKED[:-12], "gzip", 400, "incomplete_body"),
    ("no gzip trailer", PACKED[:-8], "gzip", 400, "incomplete_body"),
    ("gzip of a wrong checksum", PACKED[:-8] + bytes(8), "gzip", 400, "malformed"),
    ("a second half member", PACKED + PACKED[:-9], "gzip", 400, "incomplete_body"),
    ("rubbish behind the gzip", PACKED + b"rubbish" * 9, "gzip", 400, "malformed"),
    ("nothing, as gzip", b"", "gzip", 400, "incomplete_body"),
    ("not deflate", b"\xff\xff\xff", "deflate", 400, "malformed"),
    ("half of the deflate", zlib.compress(GOOD)[:-6], "deflate", 400, "incomplete_body"),
    ("not zstd", GOOD, "zstd", 400, "malformed"),
    ("half of the zstd", zstandard.compress(GOOD)[:-6], "zstd", 400, "incomplete_body"),
    ("unknown coding", GOOD, "br", 415, "unsupported_encoding"),
    ("two codings", PACKED, "gzip, gzip", 415, "unsupported_encoding"),
    ("a gzip bomb", gzip.compress(bytes(300 * MEBIBYTE), 6), "gzip", 413, BOMB),
    ("a gzip of many members", gzip.compress(bytes(MEBIBYTE)) * 9, "gzip", 413, BOMB),
    ("a deflate bomb", zlib.compress(bytes(100 * MEBIBYTE)), "deflate", 413, BOMB),
    ("a zstd bomb", zstd_bomb(1024 * MEBIBYTE), "zstd", 413, BOMB),
    ("an honest zstd bomb", zstandard.compress(bytes(200 * MEBIBYTE)), "zstd", 413, BOMB),
    ("too large", b" " * (BODY_BYTES + 1), "", 413, "body_too_large"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "coding", "status", "reason"),
    [row[1:] for row in WHOLE],
    ids=[row[0] for row in WHOLE],
)
def test_a_bad_body(
    collector: CollectorProcess, body: bytes, coding: str, status: int, reason: str
) -> None:
    started = time.monotonic()
    answer = collector.send(body, **({"Content_Encoding": coding} if coding else {}))

    assert (answer.status, answer.reason) == (status, reason), answer.body
    assert len(answer.json["error"]["message"]) > 10
    assert time.monotonic() - started < 5


WIDE = "é" * 2049
EVENTS = [
    (b"7", "invalid_event", ""),
    (b"null", "invalid_event", ""),
    (b"{}", "invalid_timestamp", "ts"),
    (b'{"ts":1}', "invalid_name", "name"),
    (b'{"name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":true,"name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":253402300799000,"name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":"9999-12-31T23:59:59Z","name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":"0000-01-01T00:00:00Z","name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":"1795316640000","name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":"yesterday","name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":-1,"name":"a"}', "invalid_timestamp", "ts"),
    (b'{"ts":%s,"name":"a"}' % (b"9" * 300), "invalid_timestamp", "ts"),
    (b'{"ts":1e999,"name":"a"}', "invalid_event", ""),
    (b'{"ts":1,"name":""}', "invalid_name", "name"),
    (b'{"ts":1,"name":"%s"}' % (b"x" * 129), "invalid_name", "name"),
    (b'{"ts":1,"name":"a\\n"}', "invalid_name", "name"),
    (b'{"ts":1,"name":"\\u0430"}', "invalid_name", "name"),
    (b'{"ts":1,"name":"a\\u0000"}', "invalid_name", "name"),
    (b'{"ts":1,"name":["a"]}', "invalid_name", "name"),
    (b'{"ts":1,"name":"a","value":"1"}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":true}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":NaN}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":-Infinity}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":1.1e15}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":-1e300}', "invalid_value", "value"),
    (b'{"ts":1,"name":"a","value":1e999}', "invalid_event", ""),
    (b'{"ts":1,"name":"a","value":%s}' % (b"9" * 5000), "invalid_event", ""),
    (b'{"ts":1,"name":"a","unit":"%s"}' % (b"x" * 65), "invalid_value", "unit"),
    (b'{"ts":1,"name":"a","id":"%s"}' % (b"x" * 129), "invalid_identifier", "id"),
    (b'{"ts":1,"name":"a","sessionId":7}', "invalid_identifier", "sessionId"),
    (b'{"ts":1,"name":"a","userAnonId":{}}', "invalid_identifier", "userAnonId"),
    (b'{"ts":1,"name":"a","attrs":[]}', "invalid_attributes", "attrs"),
    (b'{"ts":1,"name":"a","attrs":{"a":{}}}', "invalid_attributes", "attrs.a"),
    (b'{"ts":1,"name":"a","attrs":{"a":[1]}}', "invalid_attributes", "attrs.a"),
    (b'{"ts":1,"name":"a","attrs":{"":1}}', "invalid_attributes", "attrs."),
    (b'{"ts":1,"name":"a","attrs":{"a":"%s"}}' % (b"x" * 4097), "invalid_attributes", "attrs.a"),
    (b'{"ts":1,"name":"a","attrs":{"a":"%s"}}' % WIDE.encode(), "invalid_attributes", "attrs.a"),
    (
        b'{"ts":1,"name":"a","attrs":{"a":"%s"}}' % (b"\\u00e9" * 2049),
        "invalid_attributes",
        "attrs.a",
    ),
    (b'{"ts":1,"name":"a","attrs":{"a":9223372036854775808}}', "invalid_attributes", "attrs.a"),
    (b'{"ts":1,"name":"a","attrs":{"a":-9223372036854775809}}', "invalid_attributes", "attrs.a"),
    (b'{"ts":1,"name":"a","device":{"a":1e999}}', "invalid_event", ""),
    (b'{"ts":1,"name":"a","device":"phone"}', "invalid_attributes", "device"),
    (b'{"ts":1,"name":"a","attrs":{"a":"\xff"}}', "invalid_event", ""),
    (
        b'{"ts":1,"name":"a","attrs":{%s}}' % b",".join(b'"k%d":1' % n for n in range(65)),
        "invalid_attributes",
        "attrs",
    ),
]  # fmt: skip


def test_each_bad_event_is_named_and_the_good_ones_are_kept(
    collector: CollectorProcess, log: NatsServer
) -> None:
    good = b'{"ts":1795316640000,"name":"good"}'
    body = b'{"events":[%s]}' % b",".join(b"%s,%s" % (row[0], good) for row in EVENTS)

    answer = collector.send(body)

    assert answer.status == 202, answer.body
    found = [
        (error["index"], error["reason"], error["message"].partition(": ")[0])
        for error in answer.json["errors"]
    ]
    assert found == [
        (2 * n, reason, f"events[{2 * n}]" + (f".{field}" if field else ""))
        for n, (_, reason, field) in enumerate(EVENTS)
    ]
    assert answer.json["accepted"] == len(EVENTS)
    assert len(stored(log)[answer.json["receiptId"]].events) == len(EVENTS)


def test_half_an_emoji_costs_nothing(collector: CollectorProcess, log: NatsServer) -> None:
    answer = collector.send(rb'{"events":[{"ts":1,"name":"a","attrs":{"t":"cut \ud83d"}}]}')

    assert answer.status == 202
    assert stored(log)[answer.json["receiptId"]].events[0]["attrs"] == {"t": "cut �"}


def test_wrong_content_type(collector: CollectorProcess) -> None:
    answer = collector.send(GOOD, Content_Type="application/x-protobuf")

    assert (answer.status, answer.reason) == (415, "unsupported_content_type")


RAW = [
    ("no http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("rubbish", b"hello\r\n\r\n", 400),
    ("a line without end", b"GET /" + b"a" * 20_000, 431),
    ("a header without end", b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000, 431),
    ("a thousand headers", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n", 431),
    (
        "two lengths",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
        % ROUTE.encode(),
        400,
    ),
    (
        "length and chunks",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        % ROUTE.encode(),
        400,
    ),
    (
        "a length that is no number",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n" % ROUTE.encode(),
        400,
    ),
    (
        "broken chunks",
        b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        % (ROUTE.encode(), KEY.encode()),
        400,
    ),
    (
        "a declared giant",
        b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 99999999999\r\n\r\n"
        % (ROUTE.encode(), KEY.encode()),
        413,
    ),
    (
        "a giant in chunks",
        b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\n%s"
        % (ROUTE.encode(), KEY.encode(), (b"10000\r\n" + bytes(65536) + b"\r\n") * 9),
        413,
    ),
    (
        "no key, body to come",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" % ROUTE.encode(),
        401,
    ),
    ("half of the headers", b"POST %s HTTP/1.1\r\nHost: x\r\nX-API" % ROUTE.encode(), 408),
    (
        "half of the body",
        b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 500\r\n\r\n%s"
        % (ROUTE.encode(), KEY.encode(), GOOD),
        408,
    ),
]


@pytest.mark.parametrize(("data", "status"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
def test_a_bad_request(collector: CollectorProcess, data: bytes, status: int) -> None:
    answer = collector.raw_answer(data)

    assert answer.status == status, answer
    assert answer.headers["connection"] == "close"
    assert answer.json["error"]["message"]


def test_the_connection_is_closed_behind_an_unread_body(collector: CollectorProcess) -> None:
    answer = collector.raw(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" % ROUTE.encode()
    )

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_client_that_leaves_within_a_body_gets_no_answer(collector: CollectorProcess) -> None:
    data = b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 500\r\n\r\n{" % (
        ROUTE.encode(),
        KEY.encode(),
    )
    assert collector.raw(data, half_close=True) == b""


def test_a_drop_by_drop_sender_does_not_stretch_its_time(collector: CollectorProcess) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 500\r\n\r\n"
            % (ROUTE.encode(), KEY.encode())
        )
        connection.settimeout(0.05)
        started = time.monotonic()
        answer = b""
        while not answer and time.monotonic() - started < 5:
            connection.sendall(b" ")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_slow_senders_take_no_one_elses_place(collector: CollectorProcess) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 500000\r\n\r\n" % (
        ROUTE.encode(),
        KEY.encode(),
    )
    slow = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(150)]
    try:
        for connection in slow:
            connection.sendall(head)
        assert collector.send(batch()).status == 202
    finally:
        for connection in slow:
            connection.close()


def test_more_connections_than_allowed(collector: CollectorProcess) -> None:
    held = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(200)]
    try:
        answer = collector.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
    finally:
        for connection in held:
            connection.close()
    alone = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    until(lambda: collector.raw(alone), lambda answer: b"200 OK" in answer, seconds=5)


def test_bombs_at_once_stay_within_memory(collector: CollectorProcess) -> None:
    bombs = [zstd_bomb(1024 * MEBIBYTE), gzip.compress(bytes(200 * MEBIBYTE), 9)]
    before = collector.rss_bytes()
    for bomb in bombs * 5:
        name = "zstd" if bomb[:4] == b"\x28\xb5\x2f\xfd" else "gzip"
        assert collector.send(bomb, Content_Encoding=name).status == 413

    assert collector.rss_bytes() - before < 64 * MEBIBYTE


def test_tls(log: NatsServer, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl makes the certificate"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    collector = CollectorProcess(log, tmp_path, tls_cert=cert, tls_key=key)
    collector.tls = ssl.create_default_context(cafile=str(cert))
    with collector:
        assert collector.send(batch()).status == 202
