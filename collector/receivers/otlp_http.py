"""OTLP/HTTP: /v1/traces, /v1/metrics and /v1/logs, binary and JSON; answers like the request.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlphttp
"""

from typing import Final

from collector.receivers.exchange import BodyLimits, BodyOwner, Head, PartIngest, Receiver, Reply
from collector.receivers.otlp_export import export, sdk_of
from collector.receivers.otlp_kinds import KINDS, Kind
from collector.receivers.otlp_status import (
    JSON,
    PROTOBUF,
    status_bytes,
    status_json,
)
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import OTLP_BODY_BYTES, OTLP_EXPANDED_BYTES, OTLP_INFLATED_BYTES
from seamark.wire.reasons import Reason
from seamark.wire.statuses import http_headers, http_status

_PROTOCOL: Final = "otlp/http"


OTLP_LIMITS: Final = BodyLimits(OTLP_BODY_BYTES, OTLP_INFLATED_BYTES)


def build(
    ingest: PartIngest,
    *,
    limits: BodyLimits = OTLP_LIMITS,
    expanded_bytes: int = OTLP_EXPANDED_BYTES,
) -> list[Receiver]:
    """The three receivers of OTLP/HTTP; `expanded_bytes` is what a request may become."""
    return [OtlpHttp(ingest, kind, limits, expanded_bytes) for kind in KINDS]


class OtlpHttp:
    """One signal over HTTP."""

    def __init__(
        self, ingest: PartIngest, kind: Kind, limits: BodyLimits, expanded_bytes: int
    ) -> None:
        self.path = kind.path
        self.signal = kind.signal
        self.limits = limits
        self._ingest = ingest
        self._kind = kind
        self._expanded_bytes = expanded_bytes

    def check(self, head: Head) -> BodyOwner:
        """The key, before the body is read. Raises Rejected or Unavailable."""
        return self._ingest.check(head)

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one request, content coding undone; 200 once the log has it.

        Raises Rejected and Unavailable, which `failure` puts into words.
        """
        sdk = sdk_of(head.headers.get("user-agent", ""))
        admitted = self._ingest.admit(head, protocol=_PROTOCOL, sdk=sdk)
        media_type = _media_type(head)
        if media_type in (PROTOBUF, JSON):
            exported = await export(
                self._ingest,
                admitted,
                head,
                self._kind,
                body,
                json=media_type == JSON,
                expanded_bytes=self._expanded_bytes,
            )
            reply = exported.encode_json() if media_type == JSON else exported.encode()
            return Reply(200, reply, media_type)
        raise Rejected(
            Reason.CONTENT_TYPE,
            f"Content-Type {media_type or '(none)'} is not taken here; send {PROTOBUF} or {JSON}",
        )

    def failure(self, head: Head, failure: Rejected | Unavailable) -> Reply:
        """A google.rpc.Status, binary where the request was, else JSON, which people can read."""
        if _media_type(head) == PROTOBUF:
            body, content_type = status_bytes(failure), PROTOBUF
        else:
            body, content_type = status_json(failure), JSON
        return Reply(http_status(failure), body, content_type, http_headers(failure))


def _media_type(head: Head) -> str:
    """The media type without its parameters: JSON is UTF-8 whatever `charset` says (RFC 8259)."""
    return head.headers.get("content-type", "").partition(";")[0].strip().lower()
