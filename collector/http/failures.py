"""The two kinds of failure as HTTP answers of our own routes; only this file knows statuses."""

import math
from typing import Final

import msgspec

from collector.receivers.exchange import Reply
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason

STATUS: Final[dict[Reason, int]] = {
    Reason.MALFORMED: 400,
    Reason.ENCODING: 415,
    Reason.CONTENT_TYPE: 415,
    Reason.TOO_LARGE: 413,
    Reason.INFLATED_TOO_LARGE: 413,
    Reason.TOO_MANY_EVENTS: 413,
    Reason.TOO_DEEP: 400,
    Reason.INCOMPLETE: 400,
    Reason.METHOD: 405,
    Reason.NOT_FOUND: 404,
    Reason.NO_KEY: 401,
    Reason.UNKNOWN_KEY: 401,
    Reason.DISABLED: 403,
    Reason.ORIGIN: 403,
    Reason.WRONG_APP: 403,
    Reason.WRONG_KIND: 403,
    Reason.INVALID_EVENT: 400,
    Reason.INVALID_NAME: 400,
    Reason.INVALID_TIMESTAMP: 400,
    Reason.INVALID_VALUE: 400,
    Reason.INVALID_ATTRIBUTES: 400,
    Reason.INVALID_IDENTIFIER: 400,
    Reason.TOO_LATE: 400,
    Reason.LIMITED: 429,
    Reason.UNAVAILABLE: 503,
    Reason.SHED: 503,
    Reason.TIMEOUT: 408,
    Reason.INTERNAL: 500,
}
JSON: Final = "application/json"


def status_of(failure: Rejected | Unavailable) -> int:
    """The HTTP status of a failure."""
    return STATUS[failure.reason]


def retry_headers(failure: Rejected | Unavailable) -> dict[str, str]:
    """`Retry-After` (whole seconds, rounded up) for what may be sent again."""
    if isinstance(failure, Unavailable):
        return {"Retry-After": str(max(1, math.ceil(failure.retry_after)))}
    if failure.reason in (Reason.NO_KEY, Reason.UNKNOWN_KEY):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def failure_reply(failure: Rejected | Unavailable) -> Reply:
    """`{"error": {"reason", "message", "field"?}, "nextRetryAfterMs"?}`."""
    error = {"reason": failure.reason.value, "message": failure.message}
    document: dict[str, object] = {"error": error}
    if isinstance(failure, Rejected):
        if failure.field:
            error["field"] = failure.field
    else:
        document["nextRetryAfterMs"] = math.ceil(failure.retry_after * 1000)
    return Reply(
        status=status_of(failure),
        body=msgspec.json.encode(document),
        content_type=JSON,
        headers=retry_headers(failure),
    )
