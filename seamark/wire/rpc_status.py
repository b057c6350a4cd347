"""A failure as a google.rpc.Status, which ingest and questions send alike over gRPC.

ErrorInfo has the reason in capitals; BadRequest names the field at fault; RetryInfo says that the
same bytes may be sent again, and stands nowhere else.
https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
"""

from typing import Final

from google.rpc import error_details_pb2, status_pb2

from seamark.wire.statuses import GrpcCode

DOMAIN: Final = "seamark"


def rpc_status(
    code: int, reason: str, message: str, *, field: str, retry_after: float | None
) -> status_pb2.Status:
    """The status. `field`: its path or ""; `retry_after`: seconds, None where it is no use."""
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason.upper(), domain=DOMAIN))
    if field or code == GrpcCode.INVALID_ARGUMENT:
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=field, description=message)
        status.details.add().Pack(bad)
    if retry_after is not None:
        status.details.add().Pack(retry_info(retry_after))
    return status


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    """When to send again."""
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(int(max(seconds, 0.0) * 1e9))
    return info
