"""A question that was not answered, as gRPC says it: a code, and a google.rpc.Status beside it."""

from typing import Final

from api.reasons import GRPC, QuestionFailure
from seamark.wire.failures import Unavailable
from seamark.wire.rpc_status import rpc_status
from seamark.wire.statuses import GrpcCode

_MESSAGE_BYTES: Final = 1024
"""Clients take 8 KiB of trailers; a byte is up to three in grpc-message, and 4/3 in details."""


def code_of(failure: QuestionFailure) -> GrpcCode:
    """The gRPC code of a failure."""
    return GRPC[failure.reason]


def message_of(failure: QuestionFailure) -> str:
    """What a failure says, within what trailers may hold: it stands in them three times."""
    said: str = failure.message.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    return said


def details_of(failure: QuestionFailure) -> bytes:
    """The google.rpc.Status of a failure, binary: the trailer `grpc-status-details-bin`."""
    status = rpc_status(
        code_of(failure),
        failure.reason.value,
        message_of(failure),
        field="" if isinstance(failure, Unavailable) else failure.field,
        retry_after=failure.retry_after if isinstance(failure, Unavailable) else None,
    )
    content: bytes = status.SerializeToString()
    return content
