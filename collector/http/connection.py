"""HTTP connections: aiohttp's parser and loop of requests, with a deadline for headers.

Malformed requests are answered in our error form; a client that stops in the middle of a request's
headers is told 408 and hung up on. (A body has its own deadline, in `collector.http.server`.)
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from collector import metrics
from collector.admission.addresses import Network, client_address, in_networks, source_of
from collector.http.exchange import Answer, Exchange, render
from collector.http.failures import failure_reply
from seamark.service.http_faults import MESSAGES, fault_in
from seamark.wire.failures import Rejected, Unavailable, internal_fault
from seamark.wire.reasons import Reason

Handle = Callable[[Exchange], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one listener grants: connections at a time, of all and of one address, and seconds to
    each of them. `proxies` are networks whose addresses stand for many senders, without a limit.
    """

    connections: int
    per_address: int
    keepalive_seconds: float
    header_deadline_seconds: float
    proxies: tuple[Network, ...] = ()


class Connection(RequestHandler):
    """One connection."""

    __slots__ = ("_head_timer", "_limits", "_source")

    def __init__(self, server: "Connections", *, limits: ConnectionLimits, **rest: Any) -> None:
        super().__init__(server, keepalive_timeout=limits.keepalive_seconds, **rest)
        self._limits = limits
        self._head_timer: asyncio.TimerHandle | None = None
        self._source = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or turn it away when there are too many."""
        super().connection_made(transport)
        metrics.CONNECTIONS.inc()
        manager = cast(Connections, self._manager)
        self._source = manager.opened(self.peername)
        if (failure := manager.too_many(self._source)) is not None:
            metrics.CONNECTIONS_REFUSED.labels("http", failure.reason.value).inc()
            self._hang_up(failure)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if self._manager is not None:
            metrics.CONNECTIONS.dec()
            cast(Connections, self._manager).closed(self._source)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and start or stop the clock of a request's headers."""
        super().data_received(data)
        waiter = self._waiter  # there only while the next request is awaited
        if self._messages or (waiter is not None and waiter.done()):
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif (
            data
            and self._head_timer is None
            # no request yet: its bytes may come before the loop of requests has begun
            and (waiter is not None or not self._request_count)
        ):
            self._head_timer = self._loop.call_later(
                self._limits.header_deadline_seconds, self._headers_late
            )

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for this at every read of a body; most were never paused."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def close_if_idle(self) -> None:
        """Close the connection unless a request is being handled."""
        if self._waiter is not None and not self._waiter.done():
            self.force_close()

    def _headers_late(self) -> None:
        self._head_timer = None
        if self._waiter is not None and not self._waiter.done():
            seconds = self._limits.header_deadline_seconds
            self._hang_up(
                Rejected(Reason.TIMEOUT, f"the headers did not arrive within {seconds:g} s")
            )

    def _hang_up(self, failure: Rejected | Unavailable) -> None:
        reply = failure_reply(failure)
        metrics.FAILURES.labels("other", failure.reason.value).inc()
        if self.transport is not None:
            self.transport.write(
                render(
                    reply.status,
                    reply.body,
                    content_type=reply.content_type,
                    headers=reply.headers,
                    keep_alive=False,
                )
            )
        self.force_close()

    def handle_error(  # type: ignore[override]  # our Exchange stands in for BaseRequest
        self,
        request: Exchange,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's signature
    ) -> Answer:
        """The answer to bytes that are no HTTP request, or to an error of ours."""
        failure: Rejected | Unavailable
        if status >= 500:
            self.log_exception("request failed", exc_info=exc)
            failure = internal_fault()
        else:
            fault = fault_in(exc)
            failure = Rejected(Reason(fault), MESSAGES[fault])
        metrics.FAILURES.labels("other", failure.reason.value).inc()
        reply = failure_reply(failure)
        return Answer(
            request,
            status=reply.status,
            body=reply.body,
            content_type=reply.content_type,
            headers=reply.headers,
            close=True,
        )


class Connections(web.Server):
    """All connections of one listener; given to `asyncio` as the protocol factory."""

    def __init__(self, handle: Handle, *, limits: ConnectionLimits) -> None:
        super().__init__(
            handle,  # type: ignore[arg-type]  # Exchange and Answer stand in for aiohttp's
            request_factory=Exchange,  # type: ignore[arg-type]  # the same
        )
        self._limits = limits
        self._sources: Counter[str] = Counter()

    def opened(self, peer: object) -> str:
        """Count a connection; returns its address, "" where that has no limit of its own."""
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        source = source_of(client_address(address, "", ()))
        if not source or in_networks(address, self._limits.proxies):
            return ""
        self._sources[source] += 1
        return source

    def closed(self, source: str) -> None:
        """Count one less of the address that `opened` returned."""
        if source:
            self._sources[source] -= 1
            if not self._sources[source]:
                del self._sources[source]

    def too_many(self, source: str) -> Unavailable | None:
        """Why the connection that was opened last cannot stay."""
        if len(self._connections) > self._limits.connections:
            return Unavailable("too many connections are open; try again")
        if source and self._sources[source] > self._limits.per_address:
            return Unavailable(
                f"{self._limits.per_address:,} connections of your address are open; use those",
                reason=Reason.OVER_SHARE,
            )
        return None

    def close_idle(self) -> None:
        """Close every connection without a request under way."""
        for connection in self.connections:
            cast(Connection, connection).close_if_idle()

    def __call__(self) -> Connection:
        """A protocol for one new connection."""
        return Connection(
            self,
            loop=self._loop,
            limits=self._limits,
            access_log=cast(Any, None),
            auto_decompress=False,  # undone by `collector.http.bodies`, within its limits
            lingering_time=2.0,
        )
