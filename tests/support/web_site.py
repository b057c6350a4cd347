"""A site with an origin of its own that uses the web SDK: its pages, and the SDK's bundles."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import urlsplit

from tests.support.sdk_log import WRAPPERS

WEB: Final = WRAPPERS / "web"
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="data:,"></head><body><h1>Shop</h1></body></html>"""
_TYPES: Final = {".js": "text/javascript", ".html": "text/html; charset=utf-8"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        """A file of the SDK, a page that was given, or the plain page."""
        site, path = self.server.site, urlsplit(self.path).path
        site.requests.append((path, dict(self.headers.items())))
        if path.startswith(("/dist/", "/node_modules/")):
            body, kind = (WEB / path[1:]).read_bytes(), _TYPES[".js"]
        else:
            body, kind = site.pages.get(path, _PAGE).encode(), _TYPES[".html"]
        self.send_response(404 if path.startswith("/missing") else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # its signature
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: "Site"

    def handle_error(self, request: object, client_address: object) -> None:
        """Browsers hang up."""


class Site:
    """Listens inside the context manager. `pages`: HTML by path; any other is a plain page."""

    def __init__(self, pages: dict[str, str] | None = None) -> None:
        self.pages = pages or {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
