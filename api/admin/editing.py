"""Changing and deleting one record: on the revision the caller saw, or else on the latest."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from api.admin.administration import Change
from api.admin.forms import shown
from api.admin.route import Call, Made, StaleRecord
from api.reasons import QuestionReason
from seamark.service.registry.records import Record, UnreadableRecord, record_key
from seamark.service.registry.store import Conflict, RecordStore, RecordsUnavailable, Stored
from seamark.wire.failures import Rejected, Unavailable

_TRIES: Final = 20


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted, and what happens to its data."""

    deleted: str
    data: str


async def edit(call: Call, record: Record, wanted: Callable[[Any], Record], *, action: str) -> Made:
    """Replace the record by what `wanted` makes of the one that is there now.

    Without `If-Match` it is made again from what another write left, so no field of it is lost.
    Raises what `put` raises, and Rejected (NOT_FOUND).
    """
    return await put(
        call, record_key(record), lambda current: wanted(_present(current)), action=action
    )


async def put(call: Call, key: str, wanted: Callable[[Any | None], Record], *, action: str) -> Made:
    """Write what `wanted` makes of the record under `key`, or of None where there is none.

    Tried again, without `If-Match`, when another write came first. Raises StaleRecord, Unavailable,
    Rejected (CONFLICT: the record there cannot be read), and what `wanted` raises.
    """
    for _ in range(_TRIES):
        stored = await _read(call, key)
        after = wanted(stored.record)
        if after == stored.record:
            return Made(shown(after), revision=stored.revision)
        before = None if stored.record is None else shown(stored.record)
        change = change_of(action, after, before=before, after=shown(after))
        try:
            revision = await call.admin.make(
                change,
                partial(_update, record=after, revision=stored.revision),
                token=call.token,
                address=call.address,
            )
        except Conflict as lost:
            if call.revision is not None:
                raise _stale(lost.current) from lost
            continue
        return Made(shown(after), revision=revision)
    raise Unavailable(
        "Other requests keep changing this record; send it again.",
        reason=QuestionReason.UNAVAILABLE,
    )


async def delete(
    call: Call,
    record: Record,
    steps: Callable[[RecordStore, int], Awaitable[int]],
    *,
    action: str,
    name: str,
    data: str,
) -> Made:
    """Delete a record by `steps`, which is given its revision and returns the last one written.

    Raises StaleRecord, Rejected (NOT_FOUND, INVALID_FIELD: `confirm` is not its name), Unavailable.
    """
    if call.query.confirm != name:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"Deleting needs the name again: add ?confirm={name} to the address.",
            field="confirm",
        )
    stored = await _read(call, record_key(record))
    current = _present(stored.record)
    change = change_of(action, current, before=_shown_alone(current), after=None)
    try:
        await call.admin.make(
            change,
            lambda store: steps(store, stored.revision),
            token=call.token,
            address=call.address,
        )
    except Conflict as lost:
        raise _stale(lost.current) from lost
    return Made(Deleted(deleted=name, data=data))


def change_of(
    action: str, record: Record, *, before: msgspec.Struct | None, after: msgspec.Struct | None
) -> Change:
    """The change of a record, under its public name."""
    org, app = record.org, getattr(record, "app", "")
    target = getattr(record, "key_id", "") or getattr(record, "token_id", "") or ""
    target = target or getattr(record, "event_type", "") or app or org
    return Change(action, org, app, target, before, after)


def _shown_alone(record: Record) -> Any:
    """A record as it is answered; of a token, without when it was last used."""
    return shown(record, **({"last_used_at": None} if hasattr(record, "token_id") else {}))


def _stale(current: Stored) -> StaleRecord:
    record = current.record
    message = (
        "It was changed since; this is how it is now. Look whether your change still fits, and "
        "send it with the new ETag."
        if record is not None
        else "It was deleted since."
    )
    there = _shown_alone(record) if record is not None else None
    return StaleRecord(message, current=there, revision=current.revision)


async def _read(call: Call, key: str) -> Stored:
    """What lies under a key now, at the revision of `If-Match` where the call has one."""
    try:
        stored = await (await call.admin.records()).read(key)
    except RecordsUnavailable as error:
        raise Unavailable(
            f"The log cannot be read now: {error}"[:200], reason=QuestionReason.UNAVAILABLE
        ) from error
    except UnreadableRecord as error:
        raise Rejected(
            QuestionReason.CONFLICT,
            f"The record cannot be read: {error}. Mend or delete it in SEAMARK_CONFIG first.",
        ) from error
    if call.revision not in (None, stored.revision):
        raise _stale(stored)
    return stored


def _present(record: Record | None) -> Record:
    if record is None:
        raise Rejected(QuestionReason.NOT_FOUND, "It was deleted a moment ago.")
    return record


async def _update(store: RecordStore, *, record: Record, revision: int) -> int:
    return await store.update(record, revision=revision)
