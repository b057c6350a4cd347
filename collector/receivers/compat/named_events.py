"""`POST /v1/events`, for compatibility clients: one event, or an array of them.

{eventId, eventType, userId, properties, context?}
202 {status: "accepted", eventId}
202 {status: "accepted", accepted, rejected, errors?} for an array

One event that is rejected is answered 400, and is counted and becomes a dead letter like any other.
"""

import uuid
from typing import Final

from collector.admission.compat_events import NamedEvent, read_many, read_one
from collector.receivers.compat.accept import (
    PROTOCOL,
    CompatRoute,
    answer,
    context_of,
    reported_errors,
    take,
    with_form_field,
)
from collector.receivers.exchange import Admitted, Head, Reply
from collector.receivers.native import check_media_type
from seamark.wire.failures import Rejected

_SPACE: Final = b" \t\r\n"


class NamedEvents(CompatRoute):
    """Events with an `eventType`."""

    path = "/v1/events"
    mark = b'"status":"error"'
    _form = NamedEvent()

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one event or an array, content coding undone; 202 once the log has it.

        Raises Rejected and Unavailable, which `failure` answers.
        """
        check_media_type(head)
        admitted = self._ingest.admit(head, protocol=PROTOCOL)
        if body.lstrip(_SPACE)[:1] != b"[":
            return await self._accept_one(admitted, head, body)
        batch = read_many(body, self._form, context_of(admitted, head))
        validated = await take(self._ingest, admitted, head, batch=batch, names=self._names)
        accepted, offered = validated.outcome.accepted, validated.outcome.offered
        counts: dict[str, object] = {"accepted": accepted, "rejected": offered - accepted}
        errors = {"errors": reported_errors(validated, self._form)} if validated.errors else {}
        return answer(202, {"status": "accepted", **counts, **errors})

    async def _accept_one(self, admitted: Admitted, head: Head, body: bytes) -> Reply:
        batch = read_one(body, self._form, context_of(admitted, head))
        [event] = batch.candidates
        if not isinstance(event, Rejected) and not event.id:
            event.id = str(uuid.uuid4())  # the answer names the id that is stored
        validated = await take(self._ingest, admitted, head, batch=batch, names=self._names)
        if validated.errors:
            [(_, error)] = validated.errors
            return self.failure(head, with_form_field(error, self._form))
        return answer(202, {"status": "accepted", "eventId": validated.events[0].id})
