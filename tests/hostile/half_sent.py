"""Requests that are never ended: bodies over HTTP/1.1, streams over HTTP/2."""

import contextlib
import http.client
import json
import socket
from typing import Final

from collector.receivers.otlp_kinds import LOGS
from tests.support.collector_process import KEY, ROUTE

MEBIBYTE: Final = 1024 * 1024
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


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


class HalfSentBodies:
    """Requests of one key, each on a connection of its own, that stop `short` bytes early."""

    def __init__(self, port: int, *, count: int, size: int, short: int = 300, key: str = KEY):
        self.connections: list[socket.socket] = []
        head = (
            f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        ).encode()
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5)
            self.connections.append(connection)
            with contextlib.suppress(OSError):  # refused while it sends
                connection.sendall(head + bytes(size - short))

    def answers(self, seconds: float) -> list[tuple[int, str]]:
        """Status and reason of every answer that comes in time."""
        found = []
        for connection in self.connections:
            connection.settimeout(seconds)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                response = http.client.HTTPResponse(connection)
                response.begin()
                found.append((response.status, json.loads(response.read())["error"]["reason"]))
        return found

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
