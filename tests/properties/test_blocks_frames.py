"""However a socket cuts the bytes, the frames are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.blocks.nats_frames import (
    FrameBuffer,
    Incoming,
    Info,
    NatsMessage,
    NatsStatus,
    Ping,
    Pong,
    ProtocolError,
)

INBOX = b"_INBOX.abc"


def reply(sequence: int, stored_ns: int, pending: int, *, domain: bool = False) -> bytes:
    """Where an acknowledgement would go: how JetStream says which message this is (ADR-15)."""
    tail = b"SEAMARK_events_0.c0ns.1.%d.7.%d.%d" % (sequence, stored_ns, pending)
    return b"$JS.ACK.hub.ACCOUNT." + tail + b".r4nd" if domain else b"$JS.ACK." + tail


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, Incoming]:
    sequence, stored_ns, pending = (draw(st.integers(1, 2**53)) for _ in range(3))
    to = reply(sequence, stored_ns, pending, domain=draw(st.booleans()))
    payload = draw(st.binary(max_size=300))
    headers = draw(st.sampled_from([b"", b"NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n"]))
    total = len(headers) + len(payload)
    if headers:
        line = b"HMSG seamark.events.0 1 %s %d %d\r\n" % (to, len(headers), total)
    else:
        line = b"MSG seamark.events.0 1 %s %d\r\n" % (to, total)
    wire = line + headers + payload + b"\r\n"
    return wire, NatsMessage(sequence, stored_ns, pending, 7.0, payload, headers)


def status(text: bytes) -> bytes:
    headers = b"NATS/1.0 " + text + b"\r\nNats-Pending-Messages: 3\r\n\r\n"
    return b"HMSG %s 1 %d %d\r\n%s\r\n" % (INBOX, len(headers), len(headers), headers)


others = st.sampled_from(
    [
        (b"PING\r\n", Ping()),
        (b"PONG\r\n", Pong()),
        (b"+OK\r\n", None),
        (b'INFO {"max_payload":77,"tls_required":true,"x":1}\r\n', Info(77, tls_required=True)),
        (status(b"408 Request Timeout"), NatsStatus(408, "Request Timeout")),
        (status(b"100 Idle Heartbeat"), NatsStatus(100, "Idle Heartbeat")),
        (status(b"404"), NatsStatus(404, "")),
    ]
)


@given(
    frames=st.lists(messages() | others, max_size=12),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    capacity=st.sampled_from([1, 100, 70_000]),
)
def test_any_cut_gives_the_same_frames(
    frames: list[tuple[bytes, Incoming | None]], cuts: list[int], capacity: int
) -> None:
    buffer = FrameBuffer(capacity)
    wire = b"".join(part for part, _ in frames)
    found: list[Incoming] = []
    start = turn = 0
    while start < len(wire):
        piece = wire[start : start + cuts[turn % len(cuts)]]
        view = buffer.space()
        assert len(view) >= len(piece)
        view[: len(piece)] = piece
        found += buffer.written(len(piece), 7.0)
        start += len(piece)
        turn += 1
    assert found == [frame for _, frame in frames if frame is not None]


def feed(wire: bytes) -> list[Incoming]:
    buffer = FrameBuffer()
    buffer.space()[: len(wire)] = wire
    return buffer.written(len(wire), 0.0)


def test_a_payload_larger_than_the_buffer_arrives_whole() -> None:
    payload = bytes(range(256)) * 8192  # 2 MB
    wire = b"MSG s 1 %s %d\r\n%s\r\n" % (reply(5, 6, 0), len(payload), payload)
    buffer = FrameBuffer()
    found: list[Incoming] = []
    while wire:
        view = buffer.space()
        count = min(len(view), len(wire))
        view[:count] = wire[:count]
        found += buffer.written(count, 0.0)
        wire = wire[count:]
    assert [m.payload for m in found if isinstance(m, NatsMessage)] == [payload]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n", id="not NATS"),
        pytest.param(b"-ERR 'Authorization Violation'\r\n", id="-ERR"),
        pytest.param(b"INFO nonsense\r\n", id="INFO that is no JSON"),
        pytest.param(b"MSG s 1 3\r\nabc\r\n", id="a message that no consumer delivered"),
    ],
)
def test_what_is_not_the_protocol_is_an_error(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        feed(wire)


def test_a_line_without_end_is_an_error() -> None:
    buffer = FrameBuffer()
    for _ in range(4):
        buffer.space()[:16384] = b"x" * 16384
        assert buffer.written(16384, 0.0) == []
    buffer.space()[:1] = b"x"
    with pytest.raises(ProtocolError, match="without end"):
        buffer.written(1, 0.0)
