"""One HTTP exchange: the request as the parser gave it, and an answer written in one piece.

Stands in for aiohttp's `BaseRequest` and `StreamResponse`, which cost more than everything else at
the collector (a third of a request). It keeps to what `RequestHandler.start` and `finish_response`
ask of them: `_finish`, `_cancel`, `_task`; `prepare`, `write_eof`, `keep_alive`.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import StreamReader
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.web_protocol import RequestHandler

_STATUS_LINES: Final = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}
_BODILESS: Final = frozenset({204, 304})
_WRITE_SECONDS: Final = 10.0


class Exchange:
    """A request whose headers have been read. `content` is its body, arriving."""

    __slots__ = ("_task", "content", "message", "protocol")

    def __init__(
        self,
        message: RawRequestMessage,
        content: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,  # noqa: ARG002  # the factory's signature is aiohttp's
        task: "asyncio.Task[None]",
    ) -> None:
        self.message = message
        self.content = content
        self.protocol = protocol
        self._task: asyncio.Task[None] | None = task

    def _finish(self) -> None:
        """Called by aiohttp once the handler has returned."""

    def _cancel(self, exc: BaseException) -> None:
        """Called by aiohttp when the connection is lost: reading the body fails."""
        self.content.set_exception(exc)

    def invite_body(self) -> None:
        """Tell a client that waits for it (`Expect: 100-continue`) to send its body."""
        transport = self.protocol.transport
        if transport is not None and self.message.version >= HttpVersion11:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    @property
    def remote(self) -> str:
        """Address of the peer, "" when unknown."""
        peer = self.protocol.peername
        return str(peer[0]) if isinstance(peer, tuple) else ""


class Answer:
    """One answer. `keep_alive` False closes the connection once it is written."""

    __slots__ = ("_data", "_exchange", "keep_alive", "status")

    def __init__(
        self,
        exchange: Exchange,
        *,
        status: int,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str],
        close: bool = False,
    ) -> None:
        self.status = status
        self.keep_alive = not (close or exchange.message.should_close)
        self._exchange = exchange
        self._data = render(
            status,
            body,
            content_type=content_type,
            headers=headers,
            keep_alive=self.keep_alive,
            old=exchange.message.version < HttpVersion11,
            head_only=exchange.message.method == "HEAD",
        )

    async def prepare(self, request: object) -> None:  # aiohttp's signature
        """Called by aiohttp first; everything is written by `write_eof`."""

    async def write_eof(self) -> None:
        """Write the answer; waits while the client does not read.

        Raises ConnectionResetError when the client is gone or reads nothing for 10 s.
        """
        protocol = self._exchange.protocol
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        transport.write(self._data)
        if protocol.writing_paused:
            try:
                async with asyncio.timeout(_WRITE_SECONDS):
                    await protocol._drain_helper()
            except TimeoutError:
                transport.abort()
                raise ConnectionResetError("the client does not read") from None


def render(
    status: int,
    body: bytes,
    *,
    content_type: str,
    headers: Mapping[str, str],
    keep_alive: bool,
    old: bool = False,
    head_only: bool = False,
) -> bytes:
    """An HTTP/1.1 answer as bytes. `old`: the client speaks HTTP/1.0."""
    lines = [_STATUS_LINES[status], "Date: ", rfc822_formatted_time(), "\r\n"]
    if status not in _BODILESS:
        lines += ("Content-Type: ", content_type, "\r\nContent-Length: ", str(len(body)), "\r\n")
    if not keep_alive:
        lines.append("Connection: close\r\n")
    elif old:
        lines.append("Connection: keep-alive\r\n")
    for name, value in headers.items():
        lines += (name, ": ", value, "\r\n")
    lines.append("\r\n")
    head = "".join(lines).encode("latin-1", "replace")
    return head if head_only or status in _BODILESS else head + body
