"""Failures as OTLP says them: an HTTP status or a gRPC code, and a google.rpc.Status.

The two kinds of failure become statuses here and nowhere else. An HTTP status is retried by
exporters when it is 429, 502, 503 or 504; a gRPC code when it is UNAVAILABLE, or RESOURCE_EXHAUSTED
with RetryInfo, which is therefore given for `Unavailable` and for nothing else.
"""

import functools
import math
from typing import Final

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_HTTP: Final = {
    Reason.ENCODING: 415,
    Reason.CONTENT_TYPE: 415,
    Reason.TOO_LARGE: 413,
    Reason.INFLATED_TOO_LARGE: 413,
    Reason.TOO_MANY_EVENTS: 413,
    Reason.METHOD: 405,
    Reason.NOT_FOUND: 404,
    Reason.NO_KEY: 401,
    Reason.UNKNOWN_KEY: 401,
    Reason.DISABLED: 403,
    Reason.ORIGIN: 403,
    Reason.WRONG_APP: 403,
    Reason.WRONG_KIND: 403,
    Reason.TIMEOUT: 408,
    Reason.INTERNAL: 500,
}
_GRPC: Final[dict[Reason, int]] = {
    Reason.ENCODING: code_pb2.UNIMPLEMENTED,
    Reason.METHOD: code_pb2.UNIMPLEMENTED,
    Reason.NOT_FOUND: code_pb2.UNIMPLEMENTED,
    Reason.TOO_LARGE: code_pb2.RESOURCE_EXHAUSTED,
    Reason.INFLATED_TOO_LARGE: code_pb2.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_EVENTS: code_pb2.RESOURCE_EXHAUSTED,
    Reason.NO_KEY: code_pb2.UNAUTHENTICATED,
    Reason.UNKNOWN_KEY: code_pb2.UNAUTHENTICATED,
    Reason.DISABLED: code_pb2.PERMISSION_DENIED,
    Reason.ORIGIN: code_pb2.PERMISSION_DENIED,
    Reason.WRONG_APP: code_pb2.PERMISSION_DENIED,
    Reason.WRONG_KIND: code_pb2.PERMISSION_DENIED,
    Reason.TIMEOUT: code_pb2.DEADLINE_EXCEEDED,
    Reason.INTERNAL: code_pb2.INTERNAL,
}


def http_status(failure: Rejected | Unavailable) -> int:
    """Status code of a failure: 4xx and 500 are final, 429 and 503 may be retried."""
    if isinstance(failure, Unavailable):
        return 429 if failure.reason is Reason.LIMITED else 503
    return _HTTP.get(failure.reason, 400)


def http_headers(failure: Rejected | Unavailable) -> dict[str, str]:
    """Headers that belong to the status (RFC 9110 §10.2.3, §11.6.1, §15.5.6)."""
    if isinstance(failure, Unavailable):
        return {"Retry-After": str(max(1, math.ceil(failure.retry_after)))}
    status = http_status(failure)
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Allow": "POST, OPTIONS"} if status == 405 else {}


def grpc_code(failure: Rejected | Unavailable) -> int:
    """Number of the gRPC code of a failure (google.rpc.Code)."""
    if isinstance(failure, Unavailable):
        limited = failure.reason is Reason.LIMITED
        return int(code_pb2.RESOURCE_EXHAUSTED if limited else code_pb2.UNAVAILABLE)
    return _GRPC.get(failure.reason, int(code_pb2.INVALID_ARGUMENT))


def status_bytes(failure: Rejected | Unavailable) -> bytes:
    """The google.rpc.Status of a failure, binary."""
    return _rendered(*_facts(failure))[0]


def status_json(failure: Rejected | Unavailable) -> bytes:
    """The google.rpc.Status of a failure, as proto3 JSON."""
    return _rendered(*_facts(failure))[1]


def retry_info_bytes(failure: Unavailable) -> bytes:
    """RetryInfo alone, binary: some exporters look for it outside of the status."""
    info: bytes = _retry_info(failure.retry_after).SerializeToString()
    return info


def _facts(failure: Rejected | Unavailable) -> tuple[int, Reason, str, str, float | None]:
    code = grpc_code(failure)
    if isinstance(failure, Unavailable):
        return code, failure.reason, failure.message, "", failure.retry_after
    return code, failure.reason, failure.message, failure.field, None


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(int(max(seconds, 0.0) * 1e9))
    return info


@functools.lru_cache(maxsize=256)  # when we are overloaded, it is one sentence to everybody
def _rendered(
    code: int, reason: Reason, message: str, field: str, retry_after: float | None
) -> tuple[bytes, bytes]:
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=reason.value.upper(), domain="seamark")
    )
    if code == code_pb2.INVALID_ARGUMENT:
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=field, description=message)
        status.details.add().Pack(bad)
    if retry_after is not None:
        status.details.add().Pack(_retry_info(retry_after))
    return status.SerializeToString(), json_format.MessageToJson(status, indent=None).encode()
