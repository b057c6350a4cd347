"""What the compat routes of events share: validate, append, and answer errors."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from collector.admission.compat_events import CompatForm, RequestContext
from collector.admission.native.decode import RawBatch
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
from seamark.wire.signals import Signal

PROTOCOL: Final = "compat"
_ANY_TIME: Final = Window()


class CompatRoute:
    """What every compat route has besides `accept`: a path, the key check, its form of failures."""

    path: str
    mark: bytes
    """One member of JSON, as `"status":"error"`, which its clients look at."""
    signal = Signal.EVENTS
    limits = NATIVE_LIMITS

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._names = EventNames()

    def check(self, head: Head) -> BodyOwner:
        """The key, before the body is read. Raises Rejected or Unavailable."""
        return self._ingest.check(head)

    def failure(self, head: Head, failed: Rejected | Unavailable) -> Reply:  # noqa: ARG002  # the protocol of receivers
        """`{<mark>, "error": {"reason", "message", "field"?}}`."""
        reply = failure_reply(failed)
        body = b"{" + self.mark + b"," + reply.body[1:]
        return Reply(reply.status, body, reply.content_type, reply.headers)


def context_of(admitted: Admitted, head: Head) -> RequestContext:
    """What a translation needs of its request."""
    return RequestContext(salt=admitted.salt, now_ms=head.received_ns // 1_000_000)


async def take(
    ingest: Ingest, admitted: Admitted, head: Head, *, batch: RawBatch, names: EventNames
) -> ValidatedBatch:
    """Put a translated batch into the log with its dead letters; returns once it is durable.

    Compat forms do not say when they were sent, so no event is too late. Raises Unavailable.
    """
    redactor = admitted.redactor
    validated = validate(
        batch,
        window=_ANY_TIME,
        names=names,
        redactor=redactor,
        schemas=admitted.schemas,
    )
    has_ids = validated.has_event_ids
    request = IngestRequest(
        Signal.EVENTS,
        body=b"" if has_ids else validated.events_json,
        outcome=validated.outcome,
        partition_by=validated.session_id,
        events=validated.events if has_ids else (),
        dead_letters=dead_letters(batch, validated, redactor) if validated.errors else (),
    )
    await ingest.append(admitted, head, request)
    return validated


def with_form_field(error: Rejected, form: CompatForm) -> Rejected:
    """The same error, its field named as the sender names it."""
    return Rejected(error.reason, error.message, field=form.field(error.field))


def reported_errors(validated: ValidatedBatch, form: CompatForm) -> list[dict[str, Any]]:
    """The first errors, by index."""
    errors: list[dict[str, Any]] = []
    for index, error in validated.errors[:ERRORS_REPORTED]:
        field = form.field(error.field)
        path = f"[{index}]{'.' if field else ''}{field}"
        errors.append(
            {"index": index, "reason": error.reason.value, "message": f"{path}: {error.message}"}
        )
    return errors


def answer(status: int, document: Mapping[str, object]) -> Reply:
    """A JSON answer."""
    return Reply(status, msgspec.json.encode(document), JSON)
