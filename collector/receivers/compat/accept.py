"""What the older routes of events have in common: judge, append, and put faults into words."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from collector.admission.batch import Batch, Judged, dead_letters, judge
from collector.admission.compat_events import Asked, Form
from collector.admission.events import Window
from collector.admission.names import Names
from collector.http.failures import JSON, failure_reply
from collector.receivers.exchange import Admitted, Head, Ingest, Reply
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.limits import ERRORS_REPORTED
from seamark.wire.signals import Signal

PROTOCOL: Final = "compat"
_ANY_TIME: Final = Window()


class Older:
    """What every older route has besides `accept`: a path, the key check, failures in its words."""

    path: str
    mark: bytes
    """One member of JSON, as `"status":"error"`: the flag that its clients look at."""
    signal = Signal.EVENTS

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._names = Names()

    def check(self, head: Head) -> None:
        """The key, before the body is read. Raises Rejected or Unavailable."""
        self._ingest.check(head)

    def failure(self, head: Head, failed: Rejected | Unavailable) -> Reply:  # noqa: ARG002  # the protocol of receivers
        """`{<mark>, "error": {"reason", "message", "field"?}}`."""
        reply = failure_reply(failed)
        body = b"{" + self.mark + b"," + reply.body[1:]
        return Reply(reply.status, body, reply.content_type, reply.headers)


def asked_by(admitted: Admitted, head: Head) -> Asked:
    """What a translation needs to know of a request."""
    return Asked(salt=admitted.salt, now_ms=head.received_ns // 1_000_000)


async def take(
    ingest: Ingest, admitted: Admitted, head: Head, *, batch: Batch, names: Names
) -> Judged:
    """Put a translated batch into the log, what was rejected with it; returns once it is durable.

    Older forms do not say when they were sent, so no event is too late. Raises Unavailable.
    """
    judged = judge(batch, window=_ANY_TIME, names=names)
    identified = judged.identified
    await ingest.append(
        admitted,
        head,
        signal=Signal.EVENTS,
        body=b"" if identified else judged.events_json,
        events=judged.events if identified else (),
        dead_letters=dead_letters(batch, judged) if judged.faults else (),
        outcome=judged.outcome,
        sender=judged.session_id,
    )
    return judged


def in_their_words(fault: Rejected, form: Form) -> Rejected:
    """The same fault, its field named as the sender names it."""
    return Rejected(fault.reason, fault.message, field=form.field(fault.field))


def told(judged: Judged, form: Form) -> list[dict[str, Any]]:
    """The first faults, by index."""
    faults: list[dict[str, Any]] = []
    for index, fault in judged.faults[:ERRORS_REPORTED]:
        theirs = in_their_words(fault, form)
        path = f"[{index}]{'.' if theirs.field else ''}{theirs.field}"
        faults.append(
            {"index": index, "reason": fault.reason.value, "message": f"{path}: {fault.message}"}
        )
    return faults


def answer(status: int, document: Mapping[str, object]) -> Reply:
    """A JSON answer."""
    return Reply(status, msgspec.json.encode(document), JSON)
