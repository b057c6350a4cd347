"""An HTTP proxy before a collector. Each request takes the next fault of the script, then passes.

    {"status": 503, "headers": {…}, "body": "…"}   answered here; the collector sees nothing
    {"cut": true}            the request is read, the connection closed
    {"lose": true}           the collector takes it, its answer is not given
    {"slow": 2.0}            it passes after so many seconds
    {"no_store": true}       it passes, and the answer says `Cache-Control: no-store`
    {"refuse": 2.0}          refused for so many seconds, from the start of the script

Any of them may have `"times"`, or `"for": 4.0`: every request within so many seconds of the first.
"""

import contextlib
import http.client
import socket
import socketserver
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, Self

Fault = Mapping[str, Any]
_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "host", "date"})


def _readable(origin: str) -> dict[str, str]:
    """As the collector: a page of the origin may read the answer."""
    if not origin:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After",
    }


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    proxy: "Proxy"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30.0
    server: _Server

    def do_POST(self) -> None:
        """Play the next fault."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        proxy = self.server.proxy
        fault = proxy.next_fault()
        if fault.get("cut"):
            self._hang_up()
        elif "status" in fault:
            told = str(fault.get("body", "")).encode()
            headers = {str(name): str(v) for name, v in fault.get("headers", {}).items()}
            headers |= _readable(self.headers.get("Origin", ""))
            self._answer(int(fault["status"]), headers, told)
        else:
            proxy.wait(float(fault.get("slow", 0)))
            status, headers, told = proxy.forward(
                self.command, self.path, dict(self.headers.items()), body
            )
            if fault.get("lose"):
                self._hang_up()
                return
            if fault.get("no_store"):
                headers["Cache-Control"] = "no-store"
            self._answer(status, headers, told)

    do_OPTIONS = do_POST

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # its signature
        """Say nothing."""


class Proxy:
    """Listens on a port of its own from `start` to `stop`."""

    def __init__(self, collector_port: int, faults: Sequence[Fault] = ()) -> None:
        self._collector_port = collector_port
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._script: list[Fault] = []
        self.play(faults)
        self._refuse_seconds = sum(float(fault.get("refuse", 0)) for fault in faults)
        self._opening: threading.Timer | None = None
        self._serving = False
        self._until: float | None = None
        self.requests: list[float] = []
        """When each request came, in monotonic seconds."""
        # bound from now on, so that no other process gets the port; until it listens it refuses
        self._server = _Server(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self._server.proxy = self
        self._server.server_bind()
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The endpoint for an SDK."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Listen, at once or after the script's `refuse`."""
        if self._refuse_seconds:
            self._opening = threading.Timer(self._refuse_seconds, self._listen)
            self._opening.start()
        else:
            self._listen()
        return self

    def stop(self) -> None:
        """Listen no more; requests under way are not waited for."""
        self._stopping.set()
        if self._opening is not None:
            self._opening.cancel()
            self._opening.join()
        if self._serving:
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self) -> None:
        self._server.server_activate()
        self._serving = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def play(self, faults: Sequence[Fault]) -> None:
        """From the next request on, these faults."""
        with self._lock:
            self._script = [
                fault
                for fault in faults
                if "refuse" not in fault
                for _ in range(int(fault.get("times", 1)))
            ]

    def next_fault(self) -> Fault:
        """The next of the script; {} once it is at its end."""
        with self._lock:
            now = time.monotonic()
            self.requests.append(now)
            if self._script and "for" in self._script[0]:
                fault = self._script[0]
                self._until = self._until or now + float(fault["for"])
                if now < self._until:
                    return fault
                self._until = None
                del self._script[0]
            return self._script.pop(0) if self._script else {}

    def wait(self, seconds: float) -> None:
        """Wait, unless the proxy is stopped meanwhile."""
        self._stopping.wait(seconds)

    def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The collector's own answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._collector_port, timeout=20)
        try:
            told = {name: value for name, value in headers.items() if name.lower() not in _HOP}
            connection.request(method, path, body=body, headers=told)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()
