"""Answers as the generator reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from load.replies import UnreadableReply, accepted_items, parse_reply

ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n"
    b'{"accepted":50,"rejected": 0}'
)
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nConnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)


@given(st.integers(0, len(ACCEPTED) - 1))
def test_an_answer_is_read_once_it_is_whole(cut: int) -> None:
    assert parse_reply(ACCEPTED[:cut]) is None
    reply = parse_reply(ACCEPTED)
    assert reply is not None
    assert (reply.status, reply.close, reply.retry_after) == (202, False, None)
    assert accepted_items("events", 50, reply.body) == 50


def test_what_the_server_asks_for_is_seen() -> None:
    reply = parse_reply(BUSY)
    assert reply is not None
    assert (reply.status, reply.close, reply.retry_after, reply.body) == (503, True, 2.0, b"")


@pytest.mark.parametrize(
    "data",
    [
        ACCEPTED + b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"SSH-2.0-x\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_reported_as_none(data: bytes) -> None:
    with pytest.raises(UnreadableReply):
        parse_reply(data)


def test_accepted_is_counted_from_the_answer() -> None:
    assert accepted_items("events", 50, b'{"accepted": 48,"rejected":2}') == 48
    with pytest.raises(UnreadableReply):
        accepted_items("events", 50, b"{}")
    partial = ExportTraceServiceResponse()
    assert accepted_items("traces", 50, b"") == 50
    assert accepted_items("traces", 50, partial.SerializeToString()) == 50
    partial.partial_success.rejected_spans = 7
    assert accepted_items("traces", 50, partial.SerializeToString()) == 43
    with pytest.raises(UnreadableReply):
        accepted_items("traces", 50, b"\xff\xff")
