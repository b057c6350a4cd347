"""A failure as a google.rpc.Status, which OTLP sends over HTTP and gRPC alike.

RetryInfo is given for `Unavailable` and for nothing else (`seamark.wire.statuses` says why).
"""

import functools
from typing import Final

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.statuses import grpc_code

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"


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
