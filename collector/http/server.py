"""The HTTP side of the collector: paths to receivers, bodies within their limits, own pages.

One dictionary look-up instead of a router, no middlewares, no access log: at ingest the server
costs more than the events. A receiver is given a body with its content coding undone; whatever goes
wrong before that is put into words by the receiver too, in its protocol.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http import RawRequestMessage

from collector import metrics
from collector.http import cors
from collector.http.arrival import ArrivalLimits
from collector.http.bodies import undo
from collector.http.budget import Budget, Share
from collector.http.connection import ConnectionLimits, Connections
from collector.http.exchange import Answer, Exchange
from collector.http.failures import failure_reply
from collector.http.health_pages import Page
from collector.http.intake import read_body
from collector.receivers.exchange import BodyOwner, Head, Receiver, Reply
from seamark.service.http_faults import MESSAGES, HttpFault, codes_transfer
from seamark.wire.failures import Rejected, Unavailable, internal_fault
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_RECEIVER_METHODS: Final = "POST, OPTIONS"
_PAGE_METHODS: Final = "GET, HEAD, OPTIONS"
_MOST_PARAMETERS: Final = 20
_LARGE_BYTES: Final = 256 * 1024
"""A compressed body of more is inflated in a thread."""
_INFLATED_HERE_BYTES: Final = 4 * 1024 * 1024
"""So is one that inflates to more."""
_LAST_WRITE_SECONDS: Final = 1.0
_NO_QUERY: Final[Mapping[str, str]] = {}


class Counted(Protocol):
    """Who is told of bodies and refusals (`collector.ingest.gateway.IngestGateway`)."""

    def arrived(self, owner: BodyOwner, size: int) -> None:
        """Count the bytes of a body that did not say how long it was. Does not block."""

    def refused(self, head: Head, signal: Signal, failure: Rejected | Unavailable) -> None:
        """Count one. Does not block."""


class HttpServer:
    """Listens, and answers every request: receivers by POST, pages by GET, CORS by OPTIONS."""

    def __init__(
        self,
        *,
        ingest: Counted,
        receivers: Sequence[Receiver],
        pages: Mapping[str, Page],
        budget: Budget,
        limits: ConnectionLimits,
        arrival: ArrivalLimits,
    ) -> None:
        self._ingest = ingest
        self._receivers = {receiver.path: receiver for receiver in receivers}
        self._pages = dict(pages)
        self._budget = budget
        self._limits = limits
        self._arrival = arrival
        self._runner: web.ServerRunner | None = None
        self._connections: Connections | None = None
        self._under_way = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._inflating = asyncio.Lock()

    async def start(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, shared: bool = False
    ) -> int:
        """Listen, and return the port; `shared` lets other processes listen on it too.

        Raises OSError when the port is taken.
        """
        self._connections = Connections(self.handle, limits=self._limits)
        self._runner = web.ServerRunner(self._connections, shutdown_timeout=_LAST_WRITE_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, host, port, ssl_context=tls, backlog=1024, reuse_port=shared or None
        )
        await site.start()
        return site.port

    async def stop(self, seconds: float) -> None:
        """Take no more connections, finish the requests under way within `seconds`, hang up."""
        if self._runner is None or self._connections is None:
            return
        for site in self._runner.sites:
            await site.stop()
        # aiohttp stops reading bodies the moment it is told to stop, so we wait before telling it
        self._stopping = True
        self._connections.close_idle()
        if self._under_way:
            try:
                async with asyncio.timeout(seconds):
                    await self._idle.wait()
            except TimeoutError:
                logger.warning("requests cut off", extra={"requests": self._under_way})
        await self._runner.cleanup()
        self._runner = None

    async def handle(self, exchange: Exchange) -> Answer:
        """Answer one request; raises nothing."""
        self._under_way += 1
        try:
            return await self._answer(exchange)
        finally:
            self._under_way -= 1
            if self._stopping and not self._under_way:
                self._idle.set()

    async def _answer(self, exchange: Exchange) -> Answer:
        started = time.perf_counter()
        message = exchange.message
        path, query = _target(message)
        receiver = self._receivers.get(path) if message.method == "POST" else None
        size = 0
        coded = codes_transfer(message.headers)
        if coded:
            fault = HttpFault.TRANSFER_ENCODING
            reply, route = failure_reply(Rejected(Reason(fault), MESSAGES[fault])), "other"
            metrics.FAILURES.labels(route, fault.value).inc()
        elif receiver is None:
            reply, route = self._elsewhere(exchange, path)
        else:
            head = Head(
                method="POST",
                path=path,
                query=_read_query(query) if query else _NO_QUERY,
                headers=message.headers,
                remote=exchange.remote,
                received_ns=time.time_ns(),
            )
            reply, size = await self._receive(exchange, receiver, head)
            route = path
        metrics.answered(
            route, status=reply.status, seconds=time.perf_counter() - started, size=size
        )
        return Answer(
            exchange,
            status=reply.status,
            body=reply.body,
            content_type=reply.content_type,
            headers=reply.headers,
            # the rest of a body is not read, and no further request on this connection; where
            # a body of an unknown coding ends is not known
            close=self._stopping or coded or not exchange.content.is_eof(),
        )

    async def _receive(
        self, exchange: Exchange, receiver: Receiver, head: Head
    ) -> tuple[Reply, int]:
        """A receiver's answer, and the size of the body as sent."""
        size = 0
        share: Share | None = None
        failure: Rejected | Unavailable
        try:
            owner = receiver.check(head)
            share = self._budget.share(owner)
            limits = receiver.limits
            body = await read_body(exchange, share, limit=limits.sent, limits=self._arrival)
            size = len(body)
            if "content-length" not in head.headers:
                self._ingest.arrived(owner, size)
            coding = head.headers.get("content-encoding") or head.query.get("enc")
            if coding:
                body = await self._inflated(coding, body, limit=limits.inflated)
                share.take(len(body))
            return _readable(await receiver.accept(head, body), head), size
        except (Rejected, Unavailable) as error:
            # its traceback knows this frame, and the frames below that hold the body: a cycle that
            # would keep megabytes until the next full collection
            failure = error.with_traceback(None)
            failure.__context__ = None
        except Exception:
            logger.exception("request failed", extra={"route": head.path})
            failure = internal_fault()
        finally:
            if share is not None:
                share.give_back()
        metrics.FAILURES.labels(head.path, failure.reason.value).inc()
        if failure.items is None:
            declared = int(head.headers.get("content-length", 0))
            metrics.UNREAD_BYTES.labels(head.path, failure.reason.value).inc(max(declared, size))
        self._ingest.refused(head, receiver.signal, failure)
        reply = receiver.failure(head, failure)
        return (reply if failure.reason is Reason.ORIGIN else _readable(reply, head)), size

    async def _inflated(self, coding: str, body: bytes, *, limit: int) -> bytes:
        """`body` without its content coding; what takes long is done in a thread."""
        here = min(limit, _INFLATED_HERE_BYTES)
        if len(body) < _LARGE_BYTES:
            try:
                return undo(coding, body, limit=here)
            except Rejected as failure:
                if here == limit or failure.reason is not Reason.INFLATED_TOO_LARGE:
                    raise
        async with self._inflating:  # one at a time: what it inflates to is in no share yet
            return await asyncio.to_thread(undo, coding, body, limit=limit)

    def _elsewhere(self, exchange: Exchange, path: str) -> tuple[Reply, str]:
        """The answer to what is not for a receiver, and its route."""
        method, headers = exchange.message.method, exchange.message.headers
        page = self._pages.get(path)
        methods = [_RECEIVER_METHODS] if path in self._receivers else []
        if page is not None:
            methods.append(_PAGE_METHODS)
        if not methods:
            missing = Rejected(Reason.NOT_FOUND, f"there is nothing at {path[:100]}")
            return failure_reply(missing), "other"
        if method == "OPTIONS":
            allowed = ", ".join(dict.fromkeys(", ".join(methods).split(", ")))
            return Reply(204, b"", "", cors.preflight_headers(headers, allowed)), path
        if page is not None and method in ("GET", "HEAD"):
            return page(), path
        allowed = ", ".join(dict.fromkeys(", ".join(methods).split(", ")))
        refusal = failure_reply(
            Rejected(Reason.METHOD, f"{method[:20]} is not taken here; use {allowed}")
        )
        return (
            Reply(refusal.status, refusal.body, refusal.content_type, {"Allow": allowed}),
            path,
        )


def _target(message: RawRequestMessage) -> tuple[str, str]:
    """Path and query; of the absolute form (RFC 9112 §3.2.2) as well."""
    target = message.path
    if not target.startswith("/"):
        target = message.url.raw_path_qs
    path, _, query = target.partition("?")
    return path, query


def _read_query(query: str) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(query, max_num_fields=_MOST_PARAMETERS))
    except ValueError:
        return _NO_QUERY


def _readable(reply: Reply, head: Head) -> Reply:
    """The reply, readable by a page of the request's origin."""
    origin = head.headers.get("origin")
    if not origin:
        return reply
    return Reply(
        reply.status,
        reply.body,
        reply.content_type,
        {**reply.headers, **cors.answer_headers(origin)},
    )
