"""Native batches sent again on behalf of an app: `POST /v1/ingest/replay`, with an admin token.

{sdk, appId, sentAt, receivedAt, batchId, events: [{id?, ts, name, value?, unit?, attrs{}, …}]}
202 {accepted, rejected, errors?: [{index, reason, message}], receiptId}

A native batch in every respect but these. The token is one of kind admin, of the app's org; `appId`
may be left out when it is for one app only. The batch is stored as if it had been received at
`receivedAt` (epoch milliseconds or ISO 8601; not in the future, at most 31 days ago): events get
the time they would have had then, and the app's late window, which was applied then, is not applied
again. With `?dryRun=true` nothing is stored: 200 and the same answer, without a receipt.
`batchId` is required, so that a replay that is sent twice counts once. Of the device only its
`sdk` is known: no address, no user agent. It counts under the key id `replay`. What is
rejected here is answered and counted, and makes no dead letter: it has one already.
"""

import time
from dataclasses import replace
from typing import Final

from collector.admission.native.decode import RawBatch, TypedBatch
from collector.admission.native.validate import Window, validate
from collector.admission.received_at import read_received_ms
from collector.http.failures import JSON
from collector.receivers.exchange import AdminIngest, BodyOwner, Head, IngestRequest, Reply
from collector.receivers.native import NativeReceiver, answer
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

PATH: Final = "/v1/ingest/replay"
_ANY_TIME: Final = Window()


class Replay(NativeReceiver):
    """Batches of native events that were received before."""

    path = PATH

    def __init__(self, ingest: AdminIngest) -> None:
        super().__init__()
        self._ingest = ingest

    def check(self, head: Head) -> BodyOwner:
        """The token, before the body is read. Raises Rejected or Unavailable."""
        return self._ingest.check_admin(head)

    async def _take(self, head: Head, batch: TypedBatch | RawBatch) -> Reply:
        admitted = self._ingest.admit_admin(
            head, app=batch.app_id, protocol="native", sdk=batch.sdk
        )
        if not batch.batch_id:
            raise Rejected(
                Reason.INVALID_IDENTIFIER,
                "it is missing; name the batch, so that a second try is told from the first",
                field="batchId",
            )
        received_ms = read_received_ms(batch.body, now_ms=time.time_ns() // 1_000_000)
        validated = validate(
            batch,
            window=_ANY_TIME,
            names=self._names,
            redactor=admitted.redactor,
            schemas=admitted.schemas,
        )
        if head.query.get("dryRun") == "true":
            return Reply(200, answer(validated, ""), JSON)
        has_ids = validated.has_event_ids
        request = IngestRequest(
            self.signal,
            body=b"" if has_ids else validated.events_json,
            outcome=validated.outcome,
            sent_ms=batch.sent_ms,
            batch_id=batch.batch_id,
            digest=validated.digest,
            events=validated.events if has_ids else (),
        )
        first_head = replace(head, received_ns=received_ms * 1_000_000)
        receipt = await self._ingest.append(admitted, first_head, request)
        return Reply(202, answer(validated, receipt), JSON)
