"""OTLP/gRPC: the three Export services on one port.

Messages stay bytes in gRPC's hands, and are parsed once, by `otlp_check`. Inflation of compressed
messages stops at the size limit, inside gRPC.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlpgrpc
"""

import asyncio
import functools
import logging
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import grpc

from collector.receivers.exchange import Head, Ingest
from collector.receivers.otlp_check import examine
from collector.receivers.otlp_export import export, sdk_of
from collector.receivers.otlp_kinds import KINDS, Kind
from collector.receivers.otlp_status import retry_info_bytes, status_bytes
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import INFLATED_BYTES
from seamark.wire.reasons import Reason
from seamark.wire.statuses import grpc_code

logger = logging.getLogger(__name__)

CALLS_IN_FLIGHT: Final = 512
"""Calls waiting for the log, of all connections; each holds a message of at most the limit."""
STREAMS_PER_CONNECTION: Final = 128
_PROTOCOL: Final = "otlp/grpc"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION),
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
        ingest: Ingest,
        *,
        host: str,
        port: int,
        tls_cert: str = "",
        tls_key: str = "",
        max_message_bytes: int = INFLATED_BYTES,
        max_in_flight: int = CALLS_IN_FLIGHT,
    ) -> None:
        """`tls_cert` and `tls_key` are paths of PEM files, both or none; port 0 takes a free one.

        `max_message_bytes` bounds a message before and after inflation.
        """
        if bool(tls_cert) != bool(tls_key):
            raise ValueError("tls_cert and tls_key are given together or not at all")
        self._ingest = ingest
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._tls = (Path(tls_key), Path(tls_cert)) if tls_cert else None
        self._max_message_bytes = max_message_bytes
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._server: Any = None

    async def start(self) -> int:
        """Listen, and return the port.

        Raises RuntimeError when the port is taken, OSError when a file cannot be read.
        """
        server = grpc.aio.server(
            options=[*_OPTIONS, ("grpc.max_receive_message_length", self._max_message_bytes)]
        )
        for kind in KINDS:
            method = grpc.unary_unary_rpc_method_handler(functools.partial(self._export, kind))
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(kind.service, {"Export": method}),)
            )
        if self._tls is None:
            port = server.add_insecure_port(self._address)
        else:
            key, cert = self._tls
            pair = await asyncio.gather(
                asyncio.to_thread(key.read_bytes), asyncio.to_thread(cert.read_bytes)
            )
            credentials = grpc.ssl_server_credentials([tuple(pair)])
            port = server.add_secure_port(self._address, credentials)
        await server.start()
        self._server = server
        return int(port)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, let those under way finish for so long, then end them."""
        if self._server is not None:
            await self._server.stop(grace_seconds)
            self._server = None

    async def _export(self, kind: Kind, request: bytes, context: Any) -> bytes:
        """One call. Every way out is an answer or a status; only cancellation passes."""
        failure: Rejected | Unavailable
        head = _head(kind, context)
        self._in_flight += 1
        try:
            return await self._take(kind, request, head)
        except (Rejected, Unavailable) as error:
            # Without its traceback: that would keep this frame, and so the body, in a cycle.
            failure = error.with_traceback(None)
            failure.__context__ = None
        except Exception:
            logger.exception("request failed", extra={"signal": kind.signal.value})
            failure = Rejected(Reason.INTERNAL, "the request failed here; it was not your fault")
        finally:
            self._in_flight -= 1
        self._ingest.refused(head, kind.signal, failure)
        trailer = [("grpc-status-details-bin", status_bytes(failure))]
        if isinstance(failure, Unavailable):
            # where opentelemetry-python looks
            trailer.append(("google.rpc.retryinfo-bin", retry_info_bytes(failure)))
        await context.abort(_CODES[grpc_code(failure)], failure.message, tuple(trailer))
        raise AssertionError("abort raises")

    async def _take(self, kind: Kind, request: bytes, head: Head) -> bytes:
        if self._in_flight > self._max_in_flight:
            raise Unavailable(f"more than {self._max_in_flight} calls wait for the log")
        sdk = sdk_of(head.headers.get("user-agent", ""))
        admitted = self._ingest.admit(head, protocol=_PROTOCOL, sdk=sdk)
        examined = examine(kind, request)
        return (await export(self._ingest, admitted, head, kind, examined)).encode()


def _head(kind: Kind, context: Any) -> Head:
    """The call as a `Head`; metadata are headers, binary ones left out."""
    return Head(
        method="POST",
        path=f"/{kind.service}/Export",
        query={},
        headers={
            name: value
            for name, value in context.invocation_metadata() or ()
            if isinstance(value, str)
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
