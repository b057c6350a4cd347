"""One OTLP/gRPC export without items: whether the way is open and the key is taken."""

from pathlib import Path
from typing import Final

import grpc

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_SECONDS: Final = 5.0


class GrpcUnavailable(Exception):
    """It was not taken; its text says why."""


def export_nothing(address: str, *, key: str, tls: bool, ca: str = "") -> None:
    """Blocks for five seconds at most. Raises GrpcUnavailable."""
    if tls:
        roots = Path(ca).read_bytes() if ca else None
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(roots))
    else:
        channel = grpc.insecure_channel(address)
    with channel:
        export = channel.unary_unary(_METHOD)
        try:
            export(b"", timeout=_SECONDS, metadata=(("x-api-key", key),))
        except grpc.RpcError as error:
            call = error if isinstance(error, grpc.Call) else None
            words = f"{call.code().name}: {call.details()}" if call else str(error)
            raise GrpcUnavailable(words) from error
