"""OTLP requests to a collector process, over HTTP and gRPC, and what the log has of them."""

import json
from typing import Any

import grpc

from collector.receivers.otlp_kinds import Kind
from seamark.wire.envelope import bytes_field
from tests.support.collector_process import KEY, Answered, CollectorProcess, messages
from tests.support.servers import NatsServer

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(
    collector: CollectorProcess,
    kind: Kind,
    body: object,
    *,
    content_type: str = "",
    key: str = KEY,
    **headers: str,
) -> Answered:
    """One request over HTTP: a document as JSON, bytes as `content_type` (default: protobuf)."""
    if not isinstance(body, bytes):
        content_type, body = JSON, json.dumps(body).encode()
    return collector.request(
        "POST",
        kind.path,
        body,
        {
            "Content-Type": content_type or PROTOBUF,
            "X-API-Key": key,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def call(
    collector: CollectorProcess,
    kind: Kind,
    body: bytes,
    *,
    key: str = KEY,
    compression: grpc.Compression | None = None,
    seconds: float = 30.0,
) -> Any:
    """One request over gRPC; its response. Raises grpc.RpcError."""
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    address = f"127.0.0.1:{collector.grpc_port}"
    with grpc.insecure_channel(address, options=options) as channel:
        export = channel.unary_unary(f"/{kind.service}/Export")
        metadata = (("x-api-key", key),) if key else ()
        answer = export(body, metadata=metadata, timeout=seconds, compression=compression)
    return kind.response.FromString(answer)


def items(log: NatsServer, kind: Kind) -> list[Any]:
    """The spans, metrics or log records of every envelope in the log."""
    return [
        item
        for message in messages(log, kind.signal)
        for envelope in message.envelopes
        for resource in kind.resources(kind.request.FromString(envelope.body))
        for scope in kind.scopes(resource)
        for item in kind.items(scope)
    ]


def record(text: str) -> bytes:
    """A binary request of one log record; several joined end to end are one request, too."""
    value = bytes_field(5, bytes_field(1, text.encode()))
    return bytes_field(1, bytes_field(2, bytes_field(2, value)))
