"""Requests at the edge of HTTP, on both public ports: JSON answers without a word of what was sent.

Absolute-form targets (RFC 9112 §3.2.2), headers that are too large (RFC 6585 §5), what is no HTTP,
transfer codings that are not known (RFC 9112 §6.1).
"""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support.collector_process import KEY, ROUTE, Answered, CollectorProcess, batch
from tests.support.questions_stack import SECRETS, asking
from tests.support.scripted_store import Scripted

pytestmark = pytest.mark.integration
MARK = "s3cr3t-word"
"""Stands in everything that is refused; no answer may hold it."""
LONG = MARK + "x" * 20_000
MALFORMED = {
    "no method": f"{MARK}\r\n\r\n",
    "a method that is none": f"G{{{MARK}}}T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version that is none": f"GET /{MARK} HTTP/{MARK}\r\nHost: x\r\n\r\n",
    "a header without a colon": f"GET / HTTP/1.1\r\nHost: x\r\n{MARK}\r\n\r\n",
    "a header's name with a space": f"GET / HTTP/1.1\r\nHost: x\r\n{MARK} y: z\r\n\r\n",
    "a length that is none": f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {MARK}\r\n\r\n",
    "two lengths": f"POST /{MARK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    "Content-Length: 2\r\n\r\n",
    "a length and chunks": f"POST /{MARK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARK,
}
TOO_LARGE = {
    "a header": f"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {LONG}\r\n\r\n",
    "a header's name": f"GET /livez HTTP/1.1\r\nHost: x\r\n{LONG}: y\r\n\r\n",
    "the target": f"GET /livez?{LONG} HTTP/1.1\r\nHost: x\r\n\r\n",
    "so many headers": "GET /livez HTTP/1.1\r\nHost: x\r\n"
    + "".join(f"X-{n}: {MARK}\r\n" for n in range(1000))
    + "\r\n",
}
CODINGS = ("gzip, chunked", "deflate, chunked", MARK + ", chunked")


@pytest.fixture(params=["collector", "api"])
async def port(request: pytest.FixtureRequest, collector: CollectorProcess) -> AsyncIterator[int]:
    """The public port of each."""
    if request.param == "collector":
        yield collector.port
        return
    async with asking(Scripted()) as ask:
        yield int(ask.url.rpartition(":")[2])


def exchanged(port: int, sent: str, *, ends: bool = False) -> Answered:
    """One exchange; with `ends` the server then closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent.encode("latin-1"))
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answered = Answered(response.status, headers, response.read())
        response.close()
        assert not ends or connection.recv(1) == b""
        return answered


async def refusal(port: int, sent: str) -> Answered:
    answer = await asyncio.to_thread(exchanged, port, sent, ends=True)
    assert MARK not in str(answer.headers) + answer.body.decode()
    assert answer.headers["content-type"] == "application/json"
    assert set(json.loads(answer.body)["error"]) == {"reason", "message"}
    return answer


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_is_refused_in_json(port: int, name: str) -> None:
    answer = await refusal(port, MALFORMED[name])
    assert (answer.status, answer.reason) == (400, "malformed")


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_headers_that_are_too_large_are_431(port: int, name: str) -> None:
    answer = await refusal(port, TOO_LARGE[name])
    assert (answer.status, answer.reason) == (431, "headers_too_large")


@pytest.mark.parametrize("coding", CODINGS)
async def test_an_unknown_transfer_coding_is_refused(port: int, coding: str) -> None:
    sent = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n"
        f"Content-Type: application/json\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\n[]\r\n0\r\n\r\n"
    )
    answer = await refusal(port, sent)
    assert (answer.status, answer.reason) == (501, "unsupported_transfer_encoding")


async def test_an_absolute_target_is_the_path_in_it(port: int) -> None:
    for target in ("http://telemetry.example/livez", "HTTP://telemetry.example:80/livez?a=b"):
        sent = f"GET {target} HTTP/1.1\r\nHost: telemetry.example\r\nConnection: close\r\n\r\n"
        answer = await asyncio.to_thread(exchanged, port, sent)
        assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_a_batch_to_an_absolute_target_is_taken(collector: CollectorProcess) -> None:
    body = json.dumps(batch())
    answer = exchanged(
        collector.port,
        f"POST http://telemetry.example{ROUTE} HTTP/1.1\r\nHost: telemetry.example\r\n"
        f"X-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}",
    )
    assert answer.status == 202, answer.body


async def test_a_question_to_an_absolute_target_is_answered() -> None:
    async with asking(Scripted()) as ask:
        port = int(ask.url.rpartition(":")[2])
        answer = await asyncio.to_thread(
            exchanged,
            port,
            "GET http://telemetry.example/v1/questions HTTP/1.1\r\nHost: telemetry.example\r\n"
            f"Authorization: Bearer {SECRETS['acme']}\r\nConnection: close\r\n\r\n",
        )
    assert answer.status == 200
