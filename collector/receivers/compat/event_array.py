"""`POST /events`, for compatibility clients: an array of events that hold anything.

[{event, timestamp, user_id, ...anything}]
202 {status: "accepted", count, rejected?, errors?}; `count` is what was accepted
"""

from collector.admission.compat_events import LooseEvent, read_many
from collector.receivers.compat.accept import (
    PROTOCOL,
    CompatRoute,
    answer,
    context_of,
    reported_errors,
    take,
)
from collector.receivers.exchange import Head, Reply
from collector.receivers.native import check_media_type


class EventArray(CompatRoute):
    """Events that hold their attributes beside their name."""

    path = "/events"
    mark = b'"status":"error"'
    _form = LooseEvent()

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one array, content coding undone; 202 once the log has it.

        Raises Rejected and Unavailable, which `failure` answers.
        """
        check_media_type(head)
        admitted = self._ingest.admit(head, protocol=PROTOCOL)
        batch = read_many(body, self._form, context_of(admitted, head))
        validated = await take(self._ingest, admitted, head, batch=batch, names=self._names)
        document: dict[str, object] = {"status": "accepted", "count": validated.outcome.accepted}
        if validated.errors:
            document["rejected"] = validated.outcome.offered - validated.outcome.accepted
            document["errors"] = reported_errors(validated, self._form)
        return answer(202, document)
