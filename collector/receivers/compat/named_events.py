"""`POST /v1/events`, for compatibility clients: one event, or an array of them.

{eventId, eventType, userId, properties, context?}
202 {status: "accepted", eventId}
202 {status: "accepted", accepted, rejected, errors?} for an array

One event that is not good is 400, but kept and counted like any rejected event.
"""

import uuid
from typing import Final

from collector.admission.compat_events import NamedEvent, read_many, read_one
from collector.receivers.compat.accept import (
    PROTOCOL,
    Older,
    answer,
    asked_by,
    in_their_words,
    take,
    told,
)
from collector.receivers.exchange import Admitted, Head, Reply
from collector.receivers.native import check_media_type
from seamark.wire.failures import Rejected

_SPACE: Final = b" \t\r\n"


class NamedEvents(Older):
    """Events with an `eventType`."""

    path = "/v1/events"
    mark = b'"status":"error"'
    _form = NamedEvent()

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one event or an array, content coding undone; 202 once the log has it.

        Raises Rejected and Unavailable, which `failure` puts into words.
        """
        check_media_type(head)
        admitted = self._ingest.admit(head, protocol=PROTOCOL)
        if body.lstrip(_SPACE)[:1] != b"[":
            return await self._accept_one(admitted, head, body)
        batch = read_many(body, self._form, asked_by(admitted, head))
        judged = await take(self._ingest, admitted, head, batch=batch, names=self._names)
        accepted, offered = judged.outcome.accepted, judged.outcome.offered
        counts: dict[str, object] = {"accepted": accepted, "rejected": offered - accepted}
        errors = {"errors": told(judged, self._form)} if judged.faults else {}
        return answer(202, {"status": "accepted", **counts, **errors})

    async def _accept_one(self, admitted: Admitted, head: Head, body: bytes) -> Reply:
        batch = read_one(body, self._form, asked_by(admitted, head))
        [event] = batch.events
        if not isinstance(event, Rejected) and not event.id:
            event.id = str(uuid.uuid4())  # what the answer names is what is stored
        judged = await take(self._ingest, admitted, head, batch=batch, names=self._names)
        if judged.faults:
            [(_, fault)] = judged.faults
            return self.failure(head, in_their_words(fault, self._form))
        return answer(202, {"status": "accepted", "eventId": judged.events[0].id})
