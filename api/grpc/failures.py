"""A question that was not answered, as gRPC says it: a code, and a google.rpc.Status beside it."""

from api.reasons import GRPC, QuestionFailure
from seamark.wire.failures import Unavailable
from seamark.wire.rpc_status import rpc_status
from seamark.wire.statuses import GrpcCode


def code_of(failure: QuestionFailure) -> GrpcCode:
    """The gRPC code of a failure."""
    return GRPC[failure.reason]


def details_of(failure: QuestionFailure) -> bytes:
    """The google.rpc.Status of a failure, binary: the trailer `grpc-status-details-bin`."""
    status = rpc_status(
        code_of(failure),
        failure.reason.value,
        failure.message,
        field="" if isinstance(failure, Unavailable) else failure.field,
        retry_after=failure.retry_after if isinstance(failure, Unavailable) else None,
    )
    content: bytes = status.SerializeToString()
    return content
