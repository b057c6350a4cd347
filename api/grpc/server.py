"""The gRPC server: the query service, health and reflection, on a port of its own.

A call is a question of the registry: its message becomes the JSON that HTTP takes, `api.ask`
answers within the same scope, cache and limits, and the answer is sent in parts. A call that is
cancelled, or past its deadline, cancels its query in the store. Health and reflection take no
token.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from api.ask import ask
from api.context import Context
from api.grpc import query_pb2 as pb
from api.grpc.failures import code_of, details_of, message_of
from api.grpc.messages import funnel_parts, question_json, timeseries_parts
from api.internal import internal
from api.own_metrics import OwnMetrics
from api.query.decode import from_json
from api.questions import funnel, timeseries
from api.questions.question import Question
from api.reasons import STATUS, QuestionFailure
from api.scope import scope_of, secret_in
from seamark.service.grpc_certificate import server_credentials
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable

CALLS: Final = 256
"""Calls under way at one time; further ones are told RESOURCE_EXHAUSTED by gRPC."""
SERVICE: Final = pb.DESCRIPTOR.services_by_name["QueryService"].full_name
_HEALTH_SECONDS: Final = 0.5
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 128),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class _Method:
    """One method: its request, its question, and how an answer becomes messages."""

    name: str
    request: type[Message]
    question: Question[Any]
    parts: Callable[[bytes], Iterator[Message]]

    @property
    def path(self) -> str:
        """As HTTP/2 and the metrics name it."""
        return f"/{SERVICE}/{self.name}"


METHODS: Final = (
    _Method("Timeseries", pb.TimeseriesRequest, timeseries.QUESTION, timeseries_parts),
    _Method("Funnel", pb.FunnelRequest, funnel.QUESTION, funnel_parts),
)


class GrpcServer:
    """The questions of `context` over gRPC. The health service answers from `health`."""

    def __init__(self, context: Context, *, health: Health, metrics: OwnMetrics) -> None:
        self._context = context
        self._health = health
        self._metrics = metrics
        self._server: Any = None
        self._health_service = grpc_health.aio.HealthServicer()
        self._publishing: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and return the port.

        Raises RuntimeError when the port is taken, OSError when a file cannot be read.
        """
        settings = self._context.settings
        server = grpc.aio.server(
            options=[*_OPTIONS, ("grpc.max_receive_message_length", settings.body_bytes)],
            maximum_concurrent_rpcs=CALLS,
        )
        handlers = {
            method.name: grpc.unary_stream_rpc_method_handler(self._handler(method))
            for method in METHODS
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        await self._publish_health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health_service, server)
        names = (SERVICE, grpc_health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        port = await self._listen(server)
        await server.start()
        self._server = server
        self._publishing = asyncio.create_task(self._keep_published(), name="grpc-health")
        return port

    async def _listen(self, server: Any) -> int:
        settings = self._context.settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        if not settings.tls_cert:
            return int(server.add_insecure_port(address))
        credentials = await asyncio.to_thread(
            server_credentials, settings.tls_cert, settings.tls_key
        )
        return int(server.add_secure_port(address, credentials))

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, let those under way finish for so long, then end them."""
        if self._publishing is not None:
            self._publishing.cancel()
        await self._health_service.enter_graceful_shutdown()
        if self._server is not None:
            await self._server.stop(grace_seconds)

    async def _publish_health(self) -> None:
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if self._health.ready else states.NOT_SERVING
        for name in ("", SERVICE):
            await self._health_service.set(name, state)

    async def _keep_published(self) -> None:
        while True:
            await self._publish_health()
            await asyncio.sleep(_HEALTH_SECONDS)

    def _handler(self, method: _Method) -> Callable[[bytes, Any], Any]:
        async def handle(request: bytes, call: Any) -> None:
            """One call. Every way out is an answer or a status; only cancellation passes."""
            started = time.perf_counter()
            failure: QuestionFailure | None = None
            try:
                await self._answer(method, request, call)
            except (Rejected, Unavailable) as error:
                failure = error
            except asyncio.CancelledError:
                self._metrics.cancelled.labels(method.path).inc()
                raise
            except Exception as error:
                failure = internal(error, method.path)
            status, reason = (STATUS[failure.reason], failure.reason) if failure else (200, "")
            self._metrics.requests.labels(method.path, str(status), reason).inc()
            self._metrics.seconds.labels(method.path).observe(time.perf_counter() - started)
            if failure is not None:
                details = ("grpc-status-details-bin", details_of(failure))
                await call.abort(_CODES[code_of(failure)], message_of(failure), (details,))

        return handle

    async def _answer(self, method: _Method, request: bytes, call: Any) -> None:
        metadata = call.invocation_metadata() or ()
        tokens = [value for name, value in metadata if name == "authorization"]
        headers = {"Authorization": tokens[0] if tokens else ""}
        question = method.question
        scope = scope_of(headers, self._context.registry, kinds=question.readers)
        asked = from_json(question_json(method.request, request), question.request)
        answer = await ask(self._context, scope, question, asked, secret_in(headers))
        for part in method.parts(answer):
            await call.write(part.SerializeToString())
