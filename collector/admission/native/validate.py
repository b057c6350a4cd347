"""Which events of a decoded batch are stored, and what is wrong with the others.

    validate(batch, …) -> ValidatedBatch
    dead_letters(batch, validated)           the rejected events as they were sent

What a type cannot express (names, times, bytes of text) is checked for the batch as a whole first,
and for each event only when the batch as a whole fails. What is stored is encoded again from what
was checked, never copied from the sender.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.admission import timestamps
from collector.admission.event_schemas import EventSchemas
from collector.admission.native.attribute_types import write_types
from collector.admission.native.decode import RawBatch, TypedBatch, originals_of
from collector.admission.native.errors import (
    DECODE_ERRORS,
    attribute_too_large,
    invalid_name,
    too_late,
    without_traceback,
)
from collector.admission.native.event import Event, FlaggedEvent, with_time_flag
from collector.admission.native.names import EventNames
from collector.admission.redaction.dead_letters import redacted_dead_letter
from collector.admission.redaction.native import redact_events
from collector.admission.redaction.rules import UNTOUCHED, Redactor
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected
from seamark.wire.limits import ATTRIBUTE_VALUE_BYTES, TIMESTAMP_MIN_MS
from seamark.wire.receipts import content_digest

_UTF8_WIDTH: Final = 4
_encode: Final = msgspec.json.Encoder(order="deterministic").encode  # one content, one digest


class _Named(msgspec.Struct):
    name: str = ""


_decode_name: Final = msgspec.json.Decoder(_Named).decode


@dataclass(frozen=True, slots=True)
class Window:
    """The times a batch may name, in ms since the epoch. `opens_ms`: earlier is too late."""

    opens_ms: int = TIMESTAMP_MIN_MS
    days: float = 0.0


class ValidatedBatch(msgspec.Struct, frozen=True):
    """The events to store, the counts of the batch, and its errors with the index of each event.

    `digest` (hex) is that of all events that a batch with a `batchId` holds, valid or not; ""
    without one. A retry has the same, whenever it is sent.
    """

    events: list[Event]
    outcome: Outcome
    session_id: str = ""
    errors: list[tuple[int, Rejected]] = []
    digest: str = ""
    encoded: bytes = b""

    @property
    def has_event_ids(self) -> bool:
        """Whether an event that is stored has an id of its own."""
        return bool([1 for event in self.events if event.id])

    @property
    def events_json(self) -> bytes:
        """The JSON array to store, encoded at every call unless it is `encoded` already."""
        return self.encoded or _encode(self.events)


def validate(
    batch: TypedBatch | RawBatch,
    *,
    window: Window,
    names: EventNames,
    redactor: Redactor = UNTOUCHED,
    schemas: EventSchemas | None = None,
) -> ValidatedBatch:
    """What becomes of the events of a batch; `window` says which times are too late.

    The digest is that of what was sent, so that a retry has it whatever the rules say by then.
    """
    validated = _validated(batch, window=window, names=names, redactor=redactor)
    if schemas is None or not validated.events:
        return validated
    violations = schemas.violations(validated.events)
    return _without(validated, violations) if violations else validated


def _without(validated: ValidatedBatch, violations: Mapping[int, Rejected]) -> ValidatedBatch:
    """The batch without the events at these places, which are rejected."""
    rejected_before = {index for index, _ in validated.errors}
    offered = validated.outcome.offered
    places = [index for index in range(offered) if index not in rejected_before]
    errors = [(places[place], error) for place, error in violations.items()]
    events = [event for place, event in enumerate(validated.events) if place not in violations]
    rejected = dict(validated.outcome.rejected)
    for _, error in errors:
        rejected[error.reason.value] = rejected.get(error.reason.value, 0) + 1
    return ValidatedBatch(
        events=events,
        outcome=Outcome(offered, len(events), rejected),
        session_id=(events[0].session_id or "") if events else "",
        errors=sorted([*validated.errors, *errors], key=lambda each: each[0]),
        digest=validated.digest,
    )


def _validated(
    batch: TypedBatch | RawBatch, *, window: Window, names: EventNames, redactor: Redactor
) -> ValidatedBatch:
    """What becomes of the events before schemas are asked."""
    touched = _may_touch(batch, redactor)
    candidates: Sequence[Event | Rejected]
    encoded, digest = b"", ""
    if isinstance(batch, TypedBatch):
        events = batch.events
        write_types(events)
        if batch.batch_id:
            encoded = _encode(events)
            digest = content_digest(encoded).hex()
        if touched:
            redact_events(redactor, events)
            write_types(events)
            encoded = b""
        if _all_valid(events, batch.body, window, names) and not batch.time_flag:
            return ValidatedBatch(
                events,
                Outcome(len(events), len(events)),
                (events[0].session_id or "") if events else "",
                digest=digest,
                encoded=encoded,
            )
        candidates = events
    else:
        candidates = batch.candidates
        if batch.batch_id:
            digest = content_digest(b",".join(batch.originals)).hex()
        if touched:
            redact_events(redactor, [each for each in candidates if isinstance(each, Event)])
    valid, errors = split_valid(candidates, window=window, names=names, flag=batch.time_flag)
    write_types(valid)
    rejected: dict[str, int] = {}
    for _, error in errors:
        rejected[error.reason.value] = rejected.get(error.reason.value, 0) + 1
    return ValidatedBatch(
        events=valid,
        outcome=Outcome(len(candidates), len(valid), rejected),
        session_id=(valid[0].session_id or "") if valid else "",
        errors=errors,
        digest=digest,
    )


def _may_touch(batch: TypedBatch | RawBatch, redactor: Redactor) -> bool:
    if batch.body:
        return redactor.may_touch_json(batch.body)
    return isinstance(batch, RawBatch) and any(
        map(redactor.may_touch_json, map(bytes, batch.originals))
    )


def dead_letters(
    batch: TypedBatch | RawBatch, validated: ValidatedBatch, redactor: Redactor = UNTOUCHED
) -> Iterator[DeadLetter]:
    """A dead letter for each error, made when it is asked for, redacted.

    The original is the event's own JSON out of the body, with U+FFFD for lone surrogates.
    """
    if validated.errors:
        originals = originals_of(batch)
        for index, error in validated.errors:
            original = originals[index]
            yield redacted_dead_letter(
                redactor, index, error, original=bytes(original), name=_name_in(original)
            )


def _name_in(raw: msgspec.Raw) -> str:
    """The name in an event's JSON, "" when none can be read."""
    try:
        return _decode_name(raw).name
    except DECODE_ERRORS:
        return ""


def _all_valid(events: Sequence[Event], body: bytes, window: Window, names: EventNames) -> bool:
    """True when no event has an error and none needs a change; checked on the batch as a whole."""
    if not events:
        return True
    if not names.all_valid([event.name for event in events]):
        return False
    first_ms, last_ms = timestamps.earliest_and_latest([event.ts for event in events])
    if first_ms < window.opens_ms or not timestamps.certainly_ms(first_ms, last_ms):
        return False
    if body.rfind(b"null") >= 0:  # half the time of `in`
        for event in events:
            if (event.attrs and None in event.attrs.values()) or (
                event.device and None in event.device.values()
            ):
                return False
    if body.isascii() and not (b"\\" in body and b"\\u" in body):
        return True  # every character is one byte, and the characters were counted
    return not any(_too_large(event.attrs) or _too_large(event.device) for event in events)


def split_valid(
    candidates: Iterable[Event | Rejected], *, window: Window, names: EventNames, flag: int = 0
) -> tuple[list[Event], list[tuple[int, Rejected]]]:
    """Check each event by itself: the valid ones, and index and error of the others.

    Attributes that are null are dropped; times in other units become milliseconds and are flagged.
    `flag` is that of the batch.
    """
    valid: list[Event] = []
    errors: list[tuple[int, Rejected]] = []
    for index, candidate in enumerate(candidates):
        if isinstance(candidate, Rejected):
            errors.append((index, candidate))
            continue
        try:
            valid.append(_checked(candidate, window=window, names=names, flag=flag))
        except Rejected as error:
            errors.append((index, without_traceback(error)))
    return valid, errors


def _checked(event: Event, *, window: Window, names: EventNames, flag: int) -> Event:
    """The event as it is stored. Raises Rejected."""
    if not names.valid(event.name):
        raise invalid_name(event.name)
    at = timestamps.normalized(event.ts, field="ts")
    event.ts = at.value
    if at.exact_ms < window.opens_ms:
        raise too_late(window.opens_ms - at.exact_ms + window.days * 86_400_000, window.days)
    for name, attributes in (("attrs", event.attrs), ("device", event.device)):
        if _too_large(attributes):
            raise attribute_too_large(name, attributes or {})
    event.attrs, event.device = _without_nulls(event.attrs), _without_nulls(event.device)
    flag |= at.flag | (event.time_flag if isinstance(event, FlaggedEvent) else 0)
    return with_time_flag(event, flag) if flag else event


def _too_large(attributes: dict[str, str | int | float | bool | None] | None) -> bool:
    """Whether a text has more bytes than allowed; its characters were counted when decoding."""
    if not attributes:
        return False
    for value in attributes.values():
        if (
            isinstance(value, str)
            and len(value) > ATTRIBUTE_VALUE_BYTES // _UTF8_WIDTH
            and len(value.encode()) > ATTRIBUTE_VALUE_BYTES
        ):
            return True
    return False


def _without_nulls(
    attributes: dict[str, str | int | float | bool | None] | None,
) -> dict[str, str | int | float | bool | None] | None:
    if attributes and None in attributes.values():
        return {key: value for key, value in attributes.items() if value is not None} or None
    return attributes
