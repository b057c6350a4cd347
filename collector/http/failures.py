"""The two kinds of failure as HTTP answers of the routes that are not OTLP's."""

import math
from typing import Final

import msgspec

from collector.receivers.exchange import Reply
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.statuses import http_headers, http_status

JSON: Final = "application/json"


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
        status=http_status(failure),
        body=msgspec.json.encode(document),
        content_type=JSON,
        headers=http_headers(failure),
    )
