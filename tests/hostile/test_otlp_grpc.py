"""gRPC is as strict as HTTP: the key before the message, bounded memory, every refusal counted."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from collector.receivers.otlp_kinds import LOGS
from tests.support.collector_process import KEY, CollectorProcess, messages, prepare
from tests.support.otlp_sending import call, items, record
from tests.support.servers import NatsServer, free_port
from tests.support.until import until

pytestmark = pytest.mark.integration
MEBIBYTE = 1024 * 1024
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        prepare(server)
        yield server


def _collector(log: NatsServer, tmp_path: Path, **settings: object) -> CollectorProcess:
    return CollectorProcess(log, tmp_path / "collector", grpc_port=free_port(), **settings)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing (RFC 7541 §6.2.2)."""
    return b"\0" + bytes((len(name),)) + name + bytes((len(value),)) + value


def _headers(stream: int, key: bytes) -> bytes:
    path = f"/{LOGS.service}/Export".encode()
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"x"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    ]
    if key:
        fields.append((b"x-api-key", key))
    block = b"".join(_literal(name, value) for name, value in fields)
    return _frame(1, 4, stream, block)


class HalfSent:
    """Calls that each announce 4 MB and stop short of its end, on one connection.

    Sends what the windows of HTTP/2 let through (RFC 9113 §5.2), as any client would.
    """

    def __init__(self, port: int, *, streams: int, key: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._socket.sendall(PREFACE + _frame(4, 0, 0, b"") + _frame(8, 0, 0, b"\x7f\xff\0\0"))
        self._received = b""
        self._window = 65_535
        self._streams: dict[int, list[int]] = {}
        for number in range(streams):
            stream = 2 * number + 1
            self._socket.sendall(_headers(stream, key))
            self._streams[stream] = [65_535, 4 * MEBIBYTE - 300]
        if streams:
            self._send()

    def pump(self, seconds: float) -> None:
        """Send on as windows are opened, until nothing has come for so long."""
        self._socket.settimeout(seconds)
        try:
            while part := self._socket.recv(65_536):
                self._received += part
                self._read()
                self._send()
        except (TimeoutError, ConnectionError):
            pass

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        while len(self._received) >= 9:
            size = int.from_bytes(self._received[:3], "big")
            if len(self._received) < 9 + size:
                return
            kind, stream = self._received[3], int.from_bytes(self._received[5:9], "big")
            payload, self._received = self._received[9 : 9 + size], self._received[9 + size :]
            if kind == 8 and stream == 0:
                self._window += int.from_bytes(payload, "big")
            elif kind == 8 and stream in self._streams:
                self._streams[stream][0] += int.from_bytes(payload, "big")
            elif kind in (1, 3):  # answered or reset
                self._streams.pop(stream, None)

    def _send(self) -> None:
        for stream, state in self._streams.items():
            while (size := min(16_384, self._window, *state)) > 0:
                first = state[1] == 4 * MEBIBYTE - 300
                start = b"\0" + (4 * MEBIBYTE).to_bytes(4, "big") if first else b""
                self._socket.sendall(_frame(0, 0, stream, start + bytes(size - len(start))))
                self._window -= size
                state[0] -= size
                state[1] -= size


def _half_sent(port: int, *, streams: int, key: bytes) -> HalfSent:
    return HalfSent(port, streams=streams, key=key)


def _page(collector: CollectorProcess) -> str:
    return collector.own_metrics()


def test_messages_of_calls_without_a_key_are_not_kept(log: NatsServer, tmp_path: Path) -> None:
    with _collector(log, tmp_path) as collector:
        call(collector, LOGS, record("before"))
        before = collector.rss_bytes()
        held = [_half_sent(collector.grpc_port, streams=10, key=b"") for _ in range(4)]
        try:
            for connection in held:
                connection.pump(0.5)
            call(collector, LOGS, record("beside them"))
            until(
                lambda: _page(collector),
                lambda page: f'reason="missing_key",route="/{LOGS.service}/Export"}} 40.0' in page,
                seconds=20,
            )
            assert collector.rss_bytes() - before < 48 * MEBIBYTE
        finally:
            for connection in held:
                connection.close()
    texts = [one.body.string_value for one in items(log, LOGS)]
    assert sorted(texts) == ["before", "beside them"]


def test_a_large_message_without_a_key_is_refused_for_its_key(
    log: NatsServer, tmp_path: Path
) -> None:
    with _collector(log, tmp_path) as collector:
        call(collector, LOGS, record("warm"))
        before = collector.rss_bytes()
        for _ in range(20):
            with pytest.raises(grpc.RpcError) as refused:
                call(collector, LOGS, record("x" * 8 * MEBIBYTE), key="")
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert collector.rss_bytes() - before < 32 * MEBIBYTE


def test_a_message_that_does_not_arrive_is_ended_and_holds_no_memory(
    log: NatsServer, tmp_path: Path
) -> None:
    with _collector(log, tmp_path, body_deadline_seconds=0.5) as collector:
        held = _half_sent(collector.grpc_port, streams=5, key=KEY.encode())
        try:
            until(
                lambda: _page(collector),
                lambda page: f'reason="timeout",route="/{LOGS.service}/Export"}} 5.0' in page,
                seconds=20,
            )
            page = _page(collector)
        finally:
            held.close()
        assert "seamark_collector_in_flight_bytes 0.0" in page
        call(collector, LOGS, record("after"))
    assert [one.body.string_value for one in items(log, LOGS)] == ["after"]


def test_calls_beyond_the_memory_budget_get_a_retry_delay(log: NatsServer, tmp_path: Path) -> None:
    sizes = {"otlp_body_bytes": 4 * MEBIBYTE, "otlp_inflated_bytes": 4 * MEBIBYTE}
    with _collector(log, tmp_path, in_flight_bytes=16 * MEBIBYTE, **sizes) as collector:
        held = _half_sent(collector.grpc_port, streams=12, key=KEY.encode())
        try:
            until(
                lambda: _page(collector),
                lambda page: f'reason="over_share",route="/{LOGS.service}/Export"}} 10.0' in page,
                seconds=20,
            )
        finally:
            held.close()
        until(lambda: _taken(collector), seconds=20)


def test_messages_of_one_key_that_do_not_end_leave_memory_for_others(
    log: NatsServer, tmp_path: Path
) -> None:
    """Of 300 streams, each with 4 MB less 300 bytes, a share is read and the rest waits."""
    with _collector(log, tmp_path) as collector:
        call(collector, LOGS, record("before"))
        before = collector.rss_bytes()
        held = [_half_sent(collector.grpc_port, streams=30, key=KEY.encode()) for _ in range(10)]
        try:
            for connection in held:
                connection.pump(0.3)
            most = collector.rss_bytes()
            sent = call(collector, LOGS, record("beside them"))
        finally:
            for connection in held:
                connection.close()
        assert most - before < 160 * MEBIBYTE
    assert sent is not None
    texts = [one.body.string_value for one in items(log, LOGS)]
    assert sorted(texts) == ["before", "beside them"]


def _taken(collector: CollectorProcess) -> bool:
    try:
        call(collector, LOGS, record("later"))
    except grpc.RpcError:
        return False
    return True


def test_a_message_over_the_limit_is_in_metrics_and_ledger(log: NatsServer, tmp_path: Path) -> None:
    sizes = {"otlp_inflated_bytes": MEBIBYTE, "otlp_body_bytes": MEBIBYTE}
    with _collector(log, tmp_path, **sizes) as collector:
        with pytest.raises(grpc.RpcError) as refused:
            call(collector, LOGS, record("x" * 2 * MEBIBYTE))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        page = _page(collector)
    assert f'reason="body_too_large",route="/{LOGS.service}/Export"}} 1.0' in page
    counted: list[Any] = [e for m in messages(log, LOGS.signal) for e in m.envelopes]
    assert [envelope.request_rejections for envelope in counted] == [{"body_too_large": 1}]


def test_connections_beyond_the_limit_are_closed(log: NatsServer, tmp_path: Path) -> None:
    with _collector(log, tmp_path, grpc_connections=3) as collector:
        held = [_half_sent(collector.grpc_port, streams=0, key=b"") for _ in range(3)]
        try:
            time_limit = time.monotonic() + 10
            while _taken(collector):
                assert time.monotonic() < time_limit
        finally:
            for connection in held:
                connection.close()
        until(lambda: _taken(collector), seconds=20)
