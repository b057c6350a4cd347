"""Why a question was not answered: a closed set, and what HTTP and gRPC say of each.

One member is at once the `reason` in an answer, the field in a log line and the label of a metric.
"""

import enum
from collections.abc import Mapping
from typing import Final

from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.statuses import GrpcCode


class QuestionReason(enum.StrEnum):
    """The first groups are the asker's to change; the last is ours, and safe to ask again."""

    # who is asking
    NO_TOKEN = "missing_token"  # noqa: S105  # a reason
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105  # a reason
    WRONG_KIND = "wrong_kind_of_token"
    DISABLED = "token_disabled"
    EXPIRED = "token_expired"
    OUT_OF_SCOPE = "out_of_scope"
    # the request
    MALFORMED = "malformed"
    HEADERS_TOO_LARGE = "headers_too_large"
    TRANSFER_ENCODING = "unsupported_transfer_encoding"
    INVALID_FIELD = "invalid_field"
    INVALID_TIME = "invalid_time"
    INVALID_GRANULARITY = "invalid_granularity"
    INVALID_AGGREGATE = "invalid_aggregate"
    INVALID_FILTER = "invalid_filter"
    NOT_A_DIMENSION = "not_a_dimension"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    MIXED_UNITS = "mixed_units"
    TOO_LARGE = "body_too_large"
    NOT_FOUND = "not_found"
    METHOD = "method_not_allowed"
    # what is there already (administration)
    EXISTS = "already_exists"
    CONFLICT = "conflict"
    STALE = "revision_changed"
    REUSED = "idempotency_key_reused"
    # more than one answer may cost
    TOO_MUCH = "too_much"
    TIMEOUT = "query_timeout"
    # ours, or for now
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


STATUS: Final[Mapping[QuestionReason, int]] = {
    QuestionReason.NO_TOKEN: 401,
    QuestionReason.UNKNOWN_TOKEN: 401,
    QuestionReason.WRONG_KIND: 403,
    QuestionReason.DISABLED: 403,
    QuestionReason.EXPIRED: 401,
    QuestionReason.OUT_OF_SCOPE: 403,
    QuestionReason.MALFORMED: 400,
    QuestionReason.HEADERS_TOO_LARGE: 431,
    QuestionReason.TRANSFER_ENCODING: 501,
    QuestionReason.INVALID_FIELD: 400,
    QuestionReason.INVALID_TIME: 400,
    QuestionReason.INVALID_GRANULARITY: 400,
    QuestionReason.INVALID_AGGREGATE: 400,
    QuestionReason.INVALID_FILTER: 400,
    QuestionReason.NOT_A_DIMENSION: 400,
    QuestionReason.UNKNOWN_ATTRIBUTE: 400,
    QuestionReason.MIXED_UNITS: 400,
    QuestionReason.TOO_LARGE: 413,
    QuestionReason.NOT_FOUND: 404,
    QuestionReason.METHOD: 405,
    QuestionReason.EXISTS: 409,
    QuestionReason.CONFLICT: 409,
    QuestionReason.STALE: 412,
    QuestionReason.REUSED: 422,
    QuestionReason.TOO_MUCH: 422,
    QuestionReason.TIMEOUT: 504,
    QuestionReason.UNAVAILABLE: 503,
    QuestionReason.INTERNAL: 500,
}

_OF_STATUS: Final[Mapping[int, GrpcCode]] = {
    400: GrpcCode.INVALID_ARGUMENT,
    401: GrpcCode.UNAUTHENTICATED,
    403: GrpcCode.PERMISSION_DENIED,
    404: GrpcCode.NOT_FOUND,
    405: GrpcCode.UNIMPLEMENTED,
    409: GrpcCode.ALREADY_EXISTS,
    412: GrpcCode.ALREADY_EXISTS,
    413: GrpcCode.RESOURCE_EXHAUSTED,
    422: GrpcCode.RESOURCE_EXHAUSTED,
    431: GrpcCode.RESOURCE_EXHAUSTED,
    500: GrpcCode.INTERNAL,
    501: GrpcCode.UNIMPLEMENTED,
    503: GrpcCode.UNAVAILABLE,
    504: GrpcCode.DEADLINE_EXCEEDED,
}
GRPC: Final[Mapping[QuestionReason, GrpcCode]] = {
    reason: _OF_STATUS[status] for reason, status in STATUS.items()
}

QuestionFailure = Rejected[QuestionReason] | Unavailable[QuestionReason]
"""`Rejected`: the same question will be rejected again. `Unavailable`: it may be sent again."""
