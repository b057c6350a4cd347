"""`POST /events`, for older clients: an array of events that hold anything.

[{event, timestamp, user_id, ...anything}]
202 {status: "accepted", count, rejected?, errors?}; `count` is what was accepted
"""

from typing import Final

from collector.admission.names import Names
from collector.admission.older_events import LooseEvent, read_many
from collector.receivers.exchange import Door, Head, Reply
from collector.receivers.native import check_media_type
from collector.receivers.older.taking import PROTOCOL, answer, asked_by, failure, take, told
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal

PATH: Final = "/events"
_MARK: Final = b'"status":"error"'


class EventArray:
    """Events that hold their attributes beside their name."""

    def __init__(self, door: Door) -> None:
        self.path = PATH
        self.signal = Signal.EVENTS
        self._door = door
        self._names = Names()
        self._form = LooseEvent()

    def check(self, head: Head) -> None:
        """The key, before the body is read. Raises Rejected or Unavailable."""
        self._door.check(head)

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one array, content coding undone; 202 once the log has it.

        Raises Rejected and Unavailable, which `failure` puts into words.
        """
        check_media_type(head)
        admitted = self._door.admit(head, protocol=PROTOCOL)
        batch = read_many(body, self._form, asked_by(admitted, head))
        judged = await take(self._door, admitted, head, batch=batch, names=self._names)
        document: dict[str, object] = {"status": "accepted", "count": judged.outcome.accepted}
        if judged.faults:
            document["rejected"] = judged.outcome.offered - judged.outcome.accepted
            document["errors"] = told(judged, self._form)
        return answer(202, document)

    def failure(self, head: Head, failed: Rejected | Unavailable) -> Reply:  # noqa: ARG002  # the protocol of receivers
        """`{"status": "error", "error": {"reason", "message", "field"?}}`."""
        return failure(failed, mark=_MARK)
