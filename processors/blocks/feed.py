"""One connection to NATS that only reads: handshake, TLS, PING, pull requests; no reconnecting.

A feed lives as long as its socket. The reader opens the next one from its position, which is
the only state worth keeping. Everything else (consumers, positions, dead letters) goes through
nats-py's connection.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import msgspec

from processors.blocks.nats_frames import (
    FrameBuffer,
    Info,
    NatsMessage,
    NatsStatus,
    Ping,
    Pong,
    ProtocolError,
)
from seamark.service.connections import LogSettings

_T = TypeVar("_T")
_HANDSHAKE_SECONDS: Final = 5.0
_INBOX: Final = "_INBOX.seamark-feed"


class FeedLost(Exception):
    """The connection is gone, or cannot be made; another may be opened."""


class LogFeed(asyncio.BufferedProtocol):
    """The protocol of one socket. `deliver` is called with every run of messages and statuses."""

    def __init__(self, deliver: Callable[[list[NatsMessage | NatsStatus]], None]) -> None:
        loop = asyncio.get_running_loop()
        self.info: asyncio.Future[Info] = loop.create_future()
        self.pong: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.inbox = f"{_INBOX}.{random.getrandbits(64):016x}"  # a name, no secret
        self._now = loop.time
        self._deliver = deliver
        self._buffer = FrameBuffer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # the interface's
        return self._buffer.space()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            frames = self._buffer.written(nbytes, self._now())
        except ProtocolError as error:
            self.close(str(error))
            return
        data: list[NatsMessage | NatsStatus] = []
        for frame in frames:
            if isinstance(frame, NatsMessage | NatsStatus):
                data.append(frame)
            elif isinstance(frame, Ping):
                self._write(b"PONG\r\n")
            elif isinstance(frame, Pong):
                if not self.pong.done():
                    self.pong.set_result(None)
            elif not self.info.done():
                self.info.set_result(frame)
            elif frame.lame_duck:
                self.close("the server is going away")
        if data:
            self._deliver(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(repr(exc) if exc else "closed by the server")

    def use(self, transport: asyncio.Transport) -> None:
        """Write through `transport` from now on (TLS around the first one)."""
        self._transport = transport

    def handshake(self, settings: LogSettings, *, name: str) -> None:
        """Say who we are, subscribe to our inbox, and ask for a PONG."""
        options = {
            "verbose": False,
            "pedantic": False,
            "headers": True,
            "no_responders": True,
            "name": name,
            "lang": "python",
            "version": "1",
            "protocol": 1,
        }
        if settings.user:
            options |= {"user": settings.user, "pass": settings.password}
        self._write(
            b"CONNECT %s\r\nSUB %s 1\r\nPING\r\n"
            % (msgspec.json.encode(options), self.inbox.encode())
        )

    def request(self, subject: str, body: bytes) -> None:
        """Publish `body`; answers come to `deliver`. Never blocks."""
        self._write(
            b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), self.inbox.encode(), len(body), body)
        )

    def close(self, reason: str = "closed") -> None:
        """Close the socket; `lost` gets the reason."""
        self._lose(reason)
        if self._transport is not None:
            self._transport.abort()

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


async def connect_feed(
    settings: LogSettings,
    deliver: Callable[[list[NatsMessage | NatsStatus]], None],
    *,
    name: str,
) -> LogFeed:
    """Connect to one of the servers in `settings`, tried in random order.

    Raises FeedLost when none answers within five seconds, naming the last one's reason.
    """
    urls = [url.strip() for url in settings.url.split(",")]
    random.shuffle(urls)
    problem = ""
    for url in urls:
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                return await _connect(url, settings, deliver, name=name)
        except (OSError, TimeoutError, FeedLost) as error:
            problem = f"{urlsplit(url).hostname}: {error or type(error).__name__}"
    raise FeedLost(problem)


async def _connect(
    url: str,
    settings: LogSettings,
    deliver: Callable[[list[NatsMessage | NatsStatus]], None],
    *,
    name: str,
) -> LogFeed:
    parts = urlsplit(url if "://" in url else f"nats://{url}")
    host, port = parts.hostname or "127.0.0.1", parts.port or 4222
    loop = asyncio.get_running_loop()
    feed = LogFeed(deliver)
    transport, _ = await loop.create_connection(lambda: feed, host, port)
    try:
        info = await _either(feed.info, feed.lost)
        if settings.tls_ca or info.tls_required:
            context = ssl.create_default_context(cafile=settings.tls_ca or None)
            secured = await loop.start_tls(transport, feed, context, server_hostname=host)
            if secured is None:
                raise FeedLost("no TLS")
            feed.use(secured)
        feed.handshake(settings, name=name)
        await _either(feed.pong, feed.lost)
    except BaseException:
        feed.close("the handshake failed")
        raise
    return feed


async def _either(wanted: asyncio.Future[_T], lost: asyncio.Future[str]) -> _T:
    both: set[asyncio.Future[Any]] = {wanted, lost}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not wanted.done():
        raise FeedLost(lost.result())
    return wanted.result()
