"""The HTTP status and the gRPC code of every reason of ingest. The only table of them.

Exporters retry HTTP 429, 502, 503 and 504, gRPC UNAVAILABLE, and RESOURCE_EXHAUSTED with RetryInfo
(OTLP specification, "Failures"). So what is `Rejected` never has one of the first four, and
RetryInfo belongs to what is `Unavailable`. UNAVAILABLE, SHED and INTERNAL are never `Rejected`: the
sender keeps what could not be taken, whoever is at fault.
"""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason


class GrpcCode(enum.IntEnum):
    """The gRPC codes in use, at ingest and for questions. Source: google/rpc/code.proto."""

    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Status:
    """One row: `http` and `grpc` where the reason is `Rejected`, the rest where `Unavailable`."""

    http: int = 400
    grpc: GrpcCode = GrpcCode.INVALID_ARGUMENT
    retry_http: int = 503
    retry_grpc: GrpcCode = GrpcCode.UNAVAILABLE


_BAD_REQUEST: Final = Status()
_TOO_LARGE: Final = Status(413, GrpcCode.RESOURCE_EXHAUSTED)
_UNKNOWN: Final = Status(401, GrpcCode.UNAUTHENTICATED)
_FORBIDDEN: Final = Status(403, GrpcCode.PERMISSION_DENIED)

STATUSES: Final[Mapping[Reason, Status]] = {
    Reason.MALFORMED: _BAD_REQUEST,
    Reason.HEADERS_TOO_LARGE: Status(431, GrpcCode.RESOURCE_EXHAUSTED),
    Reason.TRANSFER_ENCODING: Status(501, GrpcCode.UNIMPLEMENTED),
    Reason.ENCODING: Status(415, GrpcCode.UNIMPLEMENTED),
    Reason.CONTENT_TYPE: Status(415),
    Reason.TOO_LARGE: _TOO_LARGE,
    Reason.INFLATED_TOO_LARGE: _TOO_LARGE,
    Reason.EXPANDED_TOO_LARGE: _TOO_LARGE,
    Reason.TOO_MANY_EVENTS: _TOO_LARGE,
    Reason.TOO_DEEP: _BAD_REQUEST,
    Reason.INCOMPLETE: _BAD_REQUEST,
    Reason.METHOD: Status(405, GrpcCode.UNIMPLEMENTED),
    Reason.NOT_FOUND: Status(404, GrpcCode.UNIMPLEMENTED),
    Reason.NO_KEY: _UNKNOWN,
    Reason.UNKNOWN_KEY: _UNKNOWN,
    Reason.DISABLED: _FORBIDDEN,
    Reason.ORIGIN: _FORBIDDEN,
    Reason.WRONG_APP: _FORBIDDEN,
    Reason.WRONG_KIND: _FORBIDDEN,
    Reason.INVALID_EVENT: _BAD_REQUEST,
    Reason.INVALID_NAME: _BAD_REQUEST,
    Reason.INVALID_TIMESTAMP: _BAD_REQUEST,
    Reason.INVALID_VALUE: _BAD_REQUEST,
    Reason.INVALID_ATTRIBUTES: _BAD_REQUEST,
    Reason.INVALID_IDENTIFIER: _BAD_REQUEST,
    Reason.SCHEMA: _BAD_REQUEST,
    Reason.TOO_LATE: _BAD_REQUEST,
    Reason.ID_REUSED: Status(409, GrpcCode.ALREADY_EXISTS),
    Reason.LIMITED: Status(retry_http=429, retry_grpc=GrpcCode.RESOURCE_EXHAUSTED),
    Reason.UNAVAILABLE: _BAD_REQUEST,
    Reason.SHED: _BAD_REQUEST,
    Reason.LOG_SHARE: Status(retry_http=429, retry_grpc=GrpcCode.RESOURCE_EXHAUSTED),
    Reason.OVER_SHARE: Status(retry_http=429, retry_grpc=GrpcCode.RESOURCE_EXHAUSTED),
    Reason.TOO_SLOW: Status(408, GrpcCode.DEADLINE_EXCEEDED),
    Reason.TIMEOUT: Status(408, GrpcCode.DEADLINE_EXCEEDED),
    Reason.INTERNAL: _BAD_REQUEST,
}


def http_status(failure: Rejected | Unavailable) -> int:
    """The HTTP status of a failure: 429 and 503 may be retried, all else is final."""
    status = STATUSES[failure.reason]
    return status.retry_http if isinstance(failure, Unavailable) else status.http


def grpc_code(failure: Rejected | Unavailable) -> int:
    """The number of the gRPC code of a failure."""
    status = STATUSES[failure.reason]
    return int(status.retry_grpc if isinstance(failure, Unavailable) else status.grpc)


def http_headers(
    failure: Rejected | Unavailable, *, allow: str = "POST, OPTIONS"
) -> dict[str, str]:
    """Headers that belong to the status (RFC 9110 §10.2.3, §11.6.1, §15.5.6).

    `allow`: the methods of the route, sent with a 405.
    """
    if isinstance(failure, Unavailable):
        return {"Retry-After": str(max(1, math.ceil(failure.retry_after)))}
    status = http_status(failure)
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Allow": allow} if status == 405 else {}
