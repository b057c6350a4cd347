"""The native protocol: `POST /v1/ingest/batch`, also by `sendBeacon` (`?k=…&enc=gzip`, text/plain).

{sdk, appId, sentAt, batchId?, events: [{id?, ts, name, value?, unit?, attrs{}, …}]}
202 {accepted, rejected, errors?: [{index, reason, message}], receiptId}
"""

import abc
from typing import Final

import msgspec

from collector.admission.native.decode import BatchMembers, RawBatch, TypedBatch, decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import ValidatedBatch, Window, dead_letters, validate
from collector.http.failures import JSON, failure_reply
from collector.receivers.exchange import (
    NATIVE_LIMITS,
    Admitted,
    BodyOwner,
    Head,
    Ingest,
    IngestRequest,
    Reply,
)
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import ERRORS_REPORTED
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

PATH: Final = "/v1/ingest/batch"
_MEDIA_TYPES: Final = frozenset({"application/json", "text/plain", ""})
_ANY_TIME: Final = Window()


class NativeReceiver(abc.ABC):
    """Receives bodies in the native form; a subclass has the check and what follows decoding."""

    path: str
    signal = Signal.EVENTS
    limits = NATIVE_LIMITS

    def __init__(self) -> None:
        self._names = EventNames()

    @abc.abstractmethod
    async def _take(self, head: Head, batch: TypedBatch | RawBatch) -> Reply:
        """Admit, validate and append one batch. Raises Rejected and Unavailable."""

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one batch, content coding undone; 202 once the log has it.

        Raises Rejected and Unavailable, which `failure` answers.
        """
        check_media_type(head)
        batch = decode(body)
        try:
            return await self._take(head, batch)
        except (Rejected, Unavailable) as failure:
            failure.items = batch.count
            raise

    def failure(self, head: Head, failure: Rejected | Unavailable) -> Reply:  # noqa: ARG002  # the protocol of receivers
        """`{"error": {"reason", "message", "field"?}}`."""
        return failure_reply(failure)


class NativeBatch(NativeReceiver):
    """Batches of native events."""

    path = PATH

    def __init__(self, ingest: Ingest) -> None:
        super().__init__()
        self._ingest = ingest

    def check(self, head: Head) -> BodyOwner:
        """The key, before the body is read. Raises Rejected or Unavailable."""
        return self._ingest.check(head)

    async def _take(self, head: Head, batch: TypedBatch | RawBatch) -> Reply:
        admitted = self._ingest.admit(head, protocol="native", sdk=batch.sdk)
        if batch.app_id and batch.app_id != admitted.app.app:
            raise Rejected(
                Reason.WRONG_APP,
                f"appId is {batch.app_id[:100]!r}, but the API key belongs to another app; use its "
                "key, or leave appId out",
                field="appId",
            )
        validated = validate(
            batch,
            window=_window(batch, admitted),
            names=self._names,
            redactor=admitted.redactor,
            schemas=admitted.schemas,
        )
        has_ids = validated.has_event_ids
        request = IngestRequest(
            Signal.EVENTS,
            body=b"" if has_ids else validated.events_json,
            outcome=validated.outcome,
            sent_ms=batch.sent_ms,
            batch_id=batch.batch_id,
            digest=validated.digest,
            partition_by=validated.session_id,
            events=validated.events if has_ids else (),
            dead_letters=dead_letters(batch, validated, admitted.redactor)
            if validated.errors
            else (),
        )
        receipt = await self._ingest.append(admitted, head, request)
        return Reply(202, answer(validated, receipt), JSON)


def check_media_type(head: Head) -> None:
    """Raises Rejected (CONTENT_TYPE) for a media type that native batches do not have."""
    media_type = head.headers.get("content-type", "")
    if media_type in _MEDIA_TYPES:
        return
    if media_type.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        raise Rejected(
            Reason.CONTENT_TYPE,
            f"Content-Type {media_type[:80]!r} is not taken here; send application/json",
        )


def _window(batch: BatchMembers, admitted: Admitted) -> Window:
    """Events from before the app's late window are too late; without `sentAt` nothing is."""
    if batch.sent_ms is None or admitted.app.time_source == "received":
        return _ANY_TIME
    seconds = admitted.app.late_window_seconds
    return Window(opens_ms=batch.sent_ms - seconds * 1000, days=seconds / 86_400)


def answer(validated: ValidatedBatch, receipt: str) -> bytes:
    """The body of a 202: counts, the first errors by index, and the receipt."""
    outcome = validated.outcome
    if not validated.errors:
        return b'{"accepted":%d,"rejected":0,"receiptId":"%s"}' % (
            outcome.accepted,
            receipt.encode(),
        )
    return msgspec.json.encode(
        {
            "accepted": outcome.accepted,
            "rejected": outcome.offered - outcome.accepted,
            "errors": [
                {
                    "index": index,
                    "reason": error.reason.value,
                    "message": f"events[{index}]{'.' if error.field else ''}{error.field}: "
                    f"{error.message}",
                }
                for index, error in validated.errors[:ERRORS_REPORTED]
            ],
            "receiptId": receipt,
        }
    )
