"""`GET /look`: the page and its files, which stand beside this module and are read once.

The page holds no secret and no data: its reader has to enter a query token, and what it shows
it asks of this API like everybody else. Nothing in it comes from elsewhere, and nothing inline is
allowed to run, so a name that was sent as telemetry can never become code.
"""

import hashlib
import importlib.resources
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

PATH: Final = "/look"
PAGE: Final = "page.html"
_KINDS: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every file of the page is sent with."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent. `etag` is of its bytes."""

    body: bytes
    content_type: str
    etag: str


def files() -> dict[str, File]:
    """Every file of the page, by its name. Reads them from beside this module."""
    found = {}
    for entry in importlib.resources.files(__package__).iterdir():
        kind = _KINDS.get("." + entry.name.rpartition(".")[2])
        if kind:
            body = entry.read_bytes()
            found[entry.name] = File(body, kind, hashlib.sha256(body).hexdigest()[:16])
    return found


def add_look(app: web.Application) -> None:
    """Serve the page at `/look` and what it loads under `/look/`; no token is asked for."""
    for name, file in files().items():
        app.router.add_get(PATH if name == PAGE else f"{PATH}/{name}", _sent(file))


def for_people(request: web.Request) -> web.Response | None:
    """The way to the page, for a browser that asks for `/`; None for everybody else.

    The fragment of an address, and so a token in it, is carried along by the browser.
    """
    if "text/html" not in request.headers.get("Accept", ""):
        return None
    return web.Response(status=302, headers={"Location": PATH.lstrip("/"), "Vary": "Accept"})


def _sent(file: File) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def send(request: web.Request) -> web.Response:
        """The browser keeps it and asks each time whether it is still the same."""
        headers = {**SECURITY, "ETag": f'"{file.etag}"', "Cache-Control": "no-cache"}
        if any(known.value in (file.etag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
        )

    return send
