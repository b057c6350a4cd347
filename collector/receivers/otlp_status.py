"""A failure as a google.rpc.Status, which OTLP sends over HTTP and gRPC alike.

RetryInfo is given for `Unavailable` and for nothing else (`seamark.wire.statuses` says why).
"""

import functools
from typing import Final

from google.protobuf import json_format

from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.rpc_status import retry_info, rpc_status
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
    info: bytes = retry_info(failure.retry_after).SerializeToString()
    return info


def _facts(failure: Rejected | Unavailable) -> tuple[int, Reason, str, str, float | None]:
    code = grpc_code(failure)
    if isinstance(failure, Unavailable):
        return code, failure.reason, failure.message, "", failure.retry_after
    return code, failure.reason, failure.message, failure.field, None


@functools.lru_cache(maxsize=256)  # when we are overloaded, it is one sentence to everybody
def _rendered(
    code: int, reason: Reason, message: str, field: str, retry_after: float | None
) -> tuple[bytes, bytes]:
    status = rpc_status(code, reason.value, message, field=field, retry_after=retry_after)
    return status.SerializeToString(), json_format.MessageToJson(status, indent=None).encode()
