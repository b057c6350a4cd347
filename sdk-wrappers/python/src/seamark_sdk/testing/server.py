"""The collector inside the test's process: HTTP on a port of its own, for any SDK.

Takes native batches and OTLP/HTTP (protobuf, JSON), gzip or deflate, with CORS for browsers. It
stores nothing and has no limits of rate; what the real collector would reject is a problem.
"""

import gzip
import json
import secrets
import threading
import zlib
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator

from seamark_sdk.core.fitting import TEXT_BYTES
from seamark_sdk.testing.items import OTLP, Item, read_native, read_otlp
from seamark_sdk.testing.received import Received

NATIVE: Final = "/v1/ingest/batch"
_SCHEMA: Final = Draft202012Validator(
    json.loads(files("seamark_sdk.testing").joinpath("batch.json").read_text())
)


class TestCollector:
    """Listens from `start` to `stop`; `received` is what came."""

    __test__ = False  # pytest takes it for a test otherwise

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.received = Received(address, f"smk_test_{secrets.token_hex(8)}")
        self._server.received = self.received  # type: ignore[attr-defined]  # for the handler
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one request."""
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        received: Received = self.server.received  # type: ignore[attr-defined]  # set above
        coding = self.headers.get("Content-Encoding", query.get("enc", [""])[0])
        as_json = "json" in self.headers.get("Content-Type", "")
        try:
            plain = _inflate(body, coding)
            if path == NATIVE:
                batch = json.loads(plain)
                problems = native_problems(batch)
                received.add(read_native(batch), problems)
                count = len(batch["events"])
                told = {"accepted": count, "rejected": 0, "receiptId": secrets.token_hex(8)}
                self._answer(202, json.dumps(told).encode(), "application/json")
            elif path in OTLP:
                items: list[Item] = read_otlp(path, plain, as_json=as_json)
                received.add(items, [])
                kind = "application/json" if as_json else "application/x-protobuf"
                self._answer(200, b"{}" if as_json else b"", kind)
            else:
                self._refuse(404, "not_found", f"there is nothing at {path}")
        except (ValueError, KeyError, TypeError, AttributeError, OSError, zlib.error) as error:
            received.add([], [f"{path}: {error!r}"])
            self._refuse(400, "malformed", str(error))

    def do_OPTIONS(self) -> None:
        """A browser's preflight."""
        self._answer(204, b"", "text/plain")

    def _refuse(self, status: int, reason: str, message: str) -> None:
        document = {"error": {"reason": reason, "message": message}}
        self._answer(status, json.dumps(document).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        asked = self.headers.get("Access-Control-Request-Headers", "")
        self.send_header("Access-Control-Allow-Headers", asked)
        self.send_header("Access-Control-Expose-Headers", "Retry-After")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # its signature
        """Say nothing."""


def native_problems(batch: Mapping[str, Any]) -> list[str]:
    """What the collector would reject of a batch, with the path of each."""
    found = []
    for error in _SCHEMA.iter_errors(batch):
        where = ".".join(str(part) for part in error.absolute_path)
        found.append(f"{where or 'batch'}: {error.message[:200]}")
    for index, event in enumerate(batch["events"]):
        for member in ("attrs", "device"):
            for key, value in (
                (event.get(member) or {}) if isinstance(event, dict) else {}
            ).items():
                if isinstance(value, str) and len(value.encode("utf-8", "replace")) > TEXT_BYTES:
                    found.append(f"events.{index}.{member}.{key}: more than {TEXT_BYTES} bytes")
    return found


def _inflate(body: bytes, coding: str) -> bytes:
    match coding.strip().lower():
        case "gzip" | "x-gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case "" | "identity":
            return body
        case other:
            raise ValueError(f"Content-Encoding {other} is not taken in tests; use gzip")
