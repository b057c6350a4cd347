"""OTLP/gRPC: the three Export services on one port.

As strict as HTTP: the key is checked on the call's metadata before a byte of its message is taken.
gRPC calls a handler of one message only with that message, so the calls are handled as streams of
one, which is the same on the wire. Until a message is asked for, the connection's flow control
holds back all but 64 KiB of it. Messages stay bytes in gRPC's hands, and are parsed once, by
`otlp_check`. Inflation (gzip, deflate; the library has no zstd) stops at the size limit, in gRPC.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlpgrpc
"""

import asyncio
import functools
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from urllib.parse import unquote

import grpc

from collector import metrics
from collector.receivers.exchange import BodyOwner, Head, PartIngest
from collector.receivers.otlp_export import export, sdk_of
from collector.receivers.otlp_grpc_message import CallShare, NoMessage, read_message
from collector.receivers.otlp_kinds import KINDS, Kind
from collector.receivers.otlp_status import retry_info_bytes, status_bytes
from seamark.service.grpc_certificate import server_credentials
from seamark.wire.failures import Rejected, Unavailable, internal_fault
from seamark.wire.limits import OTLP_EXPANDED_BYTES, OTLP_INFLATED_BYTES
from seamark.wire.reasons import Reason
from seamark.wire.statuses import grpc_code

logger = logging.getLogger(__name__)

CALLS_IN_FLIGHT: Final = 512
"""Calls being read or waiting for the log, of all connections."""
CONNECTIONS: Final = 1_000
STREAMS_PER_CONNECTION: Final = 128
READ_SECONDS: Final = 30.0
_HANDSHAKE_MS: Final = 10_000
_PROTOCOL: Final = "otlp/grpc"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION),
    # windows do not grow beyond 64 KiB before a message is asked for
    ("grpc.http2.bdp_probe", 0),
    ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
    # dead peers are found out, and clients may ping as often as exporters' keepalive wants
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # connections live long: without an end, a new process would never get any
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)


class GrpcServer:
    """The gRPC side of the collector, on a port that other processes may share (SO_REUSEPORT)."""

    def __init__(
        self,
        ingest: PartIngest,
        *,
        host: str,
        port: int,
        share: Callable[[BodyOwner], CallShare],
        tls_cert: str = "",
        tls_key: str = "",
        max_message_bytes: int = OTLP_INFLATED_BYTES,
        expanded_bytes: int = OTLP_EXPANDED_BYTES,
        max_in_flight: int = CALLS_IN_FLIGHT,
        max_connections: int = CONNECTIONS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """`tls_cert` and `tls_key` are paths of PEM files, both or none; port 0 takes a free one.

        `share` is what a call of an owner holds of the memory budget, `max_message_bytes` bounds a
        message before and after inflation, `read_seconds` is how long it may take to arrive.
        """
        if bool(tls_cert) != bool(tls_key):
            raise ValueError("tls_cert and tls_key are given together or not at all")
        self._ingest = ingest
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._share = share
        self._tls = (tls_cert, tls_key) if tls_cert else None
        self._max_message_bytes = max_message_bytes
        self._expanded_bytes = expanded_bytes
        self._max_in_flight = max_in_flight
        self._max_connections = max_connections
        self._read_seconds = read_seconds
        self._in_flight = 0
        self._org_calls = max(1, max_in_flight // 2)
        self._calls: Counter[str] = Counter()
        self._server: Any = None

    async def start(self) -> int:
        """Listen, and return the port.

        Raises RuntimeError when the port is taken, OSError when a file cannot be read.
        """
        server = grpc.aio.server(
            options=[
                *_OPTIONS,
                ("grpc.max_receive_message_length", self._max_message_bytes),
                ("grpc.max_allowed_incoming_connections", self._max_connections),
            ]
        )
        for kind in KINDS:
            method = grpc.stream_unary_rpc_method_handler(functools.partial(self._export, kind))
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(kind.service, {"Export": method}),)
            )
        if self._tls is None:
            port = server.add_insecure_port(self._address)
        else:
            credentials = await asyncio.to_thread(server_credentials, *self._tls)
            port = server.add_secure_port(self._address, credentials)
        await server.start()
        self._server = server
        return int(port)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, let those under way finish for so long, then end them."""
        if self._server is not None:
            await self._server.stop(grace_seconds)
            self._server = None

    async def _export(self, kind: Kind, messages: AsyncIterator[bytes], context: Any) -> bytes:
        """One call. Every way out is an answer or a status; only cancellation passes."""
        failure: Rejected | Unavailable
        head = _head(kind, context)
        self._in_flight += 1
        try:
            return await self._check(kind, messages, head)
        except (Rejected, Unavailable) as error:
            # Without its traceback: that would keep this frame, and so the body, in a cycle.
            failure = error.with_traceback(None)
            failure.__context__ = None
        except Exception:
            logger.exception("request failed", extra={"signal": kind.signal.value})
            failure = internal_fault()
        finally:
            self._in_flight -= 1
        trailer = [("grpc-status-details-bin", status_bytes(failure))]
        if isinstance(failure, Unavailable):
            # where opentelemetry-python looks
            trailer.append(("google.rpc.retryinfo-bin", retry_info_bytes(failure)))
        try:
            await context.abort(_CODES[grpc_code(failure)], failure.message, tuple(trailer))
            raise AssertionError("abort raises")
        except grpc.aio.InternalError:
            # gRPC has answered before us, which it does for a message over its limit
            if isinstance(failure, NoMessage):
                failure = Rejected(Reason.TOO_LARGE, "gRPC refused the message for its size")
            return b""
        finally:
            metrics.FAILURES.labels(head.path, failure.reason.value).inc()
            self._ingest.refused(head, kind.signal, failure)

    async def _check(self, kind: Kind, messages: AsyncIterator[bytes], head: Head) -> bytes:
        """Who calls, before any of the message: it waits while there is no memory for it."""
        if self._in_flight > self._max_in_flight:
            raise Unavailable(f"more than {self._max_in_flight} calls wait for the log")
        owner = self._ingest.check(head)
        if self._calls[owner.org] >= self._org_calls:
            raise Unavailable(
                f"{self._org_calls} calls of this org are under way; send again, fewer at a time",
                reason=Reason.OVER_SHARE,
            )
        self._calls[owner.org] += 1
        share = self._share(owner)
        try:
            return await self._take(kind, messages, head, owner, share)
        finally:
            share.give_back()
            self._calls[owner.org] -= 1
            if not self._calls[owner.org]:
                del self._calls[owner.org]

    async def _take(
        self,
        kind: Kind,
        messages: AsyncIterator[bytes],
        head: Head,
        owner: BodyOwner,
        share: CallShare,
    ) -> bytes:
        request = await read_message(
            messages, share, most=self._max_message_bytes, seconds=self._read_seconds
        )
        share.give_back()
        share.take(len(request))
        self._ingest.arrived(owner, len(request))
        sdk = sdk_of(head.headers.get("user-agent", ""))
        admitted = self._ingest.admit(head, protocol=_PROTOCOL, sdk=sdk)
        try:
            exported = await export(
                self._ingest, admitted, head, kind, request, expanded_bytes=self._expanded_bytes
            )
        except (Rejected, Unavailable) as failure:
            if failure.items is None:
                metrics.UNREAD_BYTES.labels(head.path, failure.reason.value).inc(len(request))
            raise
        return exported.encode()


def _head(kind: Kind, context: Any) -> Head:
    """The call as a `Head`; metadata are headers, but for binary ones and a length of its own."""
    return Head(
        method="POST",
        path=f"/{kind.service}/Export",
        query={},
        headers={
            name: value
            for name, value in context.invocation_metadata() or ()
            if isinstance(value, str) and name != "content-length"
        },
        remote=peer_address(context.peer()),
        received_ns=time.time_ns(),
    )


@functools.lru_cache(maxsize=4096)
def peer_address(peer: str) -> str:
    """The address in gRPC's name of a peer: ipv4:10.0.0.1:50000, ipv6:%5B::1%5D:50000, unix:…"""
    family, _, rest = unquote(peer).partition(":")
    if family not in ("ipv4", "ipv6"):
        return ""
    return rest.rpartition(":")[0].strip("[]")
