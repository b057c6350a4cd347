"""Who changed what, when, from where: one message of SEAMARK_AUDIT for each change.

An entry is written before the change, with the outcome `begun`. After the change an entry with the
result, `done` or `refused`, replaces it. So every change has an entry; where it is still `begun`,
the process died in between, and the change may or may not have been made.
"""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
import nats.errors
from msgspec import Meta
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from api.reasons import QuestionReason
from seamark.wire.buckets import AUDIT_STREAM
from seamark.wire.failures import Unavailable

MOST: Final = 1000
_LONGEST_BYTES: Final = 24 * 1024
_NONE: Final = "_"
"""Stands for no org or no app in a subject; no name begins with it."""
Outcome = Literal["begun", "done", "refused"]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change. `before` and `after` are as they are answered, without secrets; null: nothing."""

    id: str
    at: Annotated[int, Meta(description="Milliseconds since the epoch.")]
    by: Annotated[str, Meta(description="The token.", examples=["tok_0a1b2c3d4e5f"])]
    by_kind: str
    address: Annotated[str, Meta(description="Where the request came from.")]
    action: Annotated[str, Meta(examples=["app.update"])]
    org_id: str
    app_id: str
    target: Annotated[str, Meta(description="What was changed.", examples=["shop"])]
    outcome: Annotated[
        Outcome,
        Meta(description="`begun`: the process died, and it may or may not have been made."),
    ]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, the latest first."""

    changes: list[AuditEntry]


def fields(shown: msgspec.Struct | None) -> Mapping[str, Any] | None:
    """What is kept of an answer: everything but secrets, and not more than a message holds."""
    if shown is None:
        return None
    kept: dict[str, Any] = msgspec.to_builtins(shown)
    for name in ("key", "token", "apiKey"):
        kept.pop(name, None)
    if len(msgspec.json.encode(kept)) > _LONGEST_BYTES:
        return {"tooLarge": True}
    return kept


class AuditLog:
    """Writes and reads the entries. Raises Unavailable when the log is away."""

    def __init__(self, jetstream: JetStreamContext) -> None:
        self._jetstream = jetstream

    @staticmethod
    def new_id() -> str:
        """A name for a change."""
        return uuid.uuid4().hex

    async def put(self, entry: AuditEntry) -> None:
        """Write an entry, in place of an earlier one of the same id."""
        org, app = entry.org_id or _NONE, entry.app_id or _NONE
        subject = f"seamark.audit.{org}.{app}.{entry.id}"
        try:
            await self._jetstream.publish(subject, msgspec.json.encode(entry), stream=AUDIT_STREAM)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def latest(self, *, org: str, app: str, limit: int) -> list[AuditEntry]:
        """The latest entries of a scope ("" = all orgs, all apps of the org), the latest first.

        Reads ever longer stretches from the end, so that it costs what it answers.
        """
        subject = ".".join(["seamark.audit", *filter(None, (org, app)), ">"])
        try:
            state = (await self._jetstream.stream_info(AUDIT_STREAM)).state
            length, found = 2 * limit, list[AuditEntry]()
            while True:
                begin = max(state.first_seq, state.last_seq - length + 1, 1)
                found = await self._from(begin, subject)
                if len(found) >= limit or begin <= max(state.first_seq, 1):
                    return found[::-1][:limit]
                length *= 8
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def _from(self, begin: int, subject: str) -> list[AuditEntry]:
        found, at = list[AuditEntry](), begin
        while True:
            try:
                message = await self._jetstream.get_msg(
                    AUDIT_STREAM, seq=at, subject=subject, next=True
                )
            except NotFoundError:
                return found
            found.append(msgspec.json.decode(message.data or b"", type=AuditEntry))
            at = (message.seq or at) + 1


def _away(error: Exception) -> Unavailable[QuestionReason]:
    return Unavailable(
        f"The record of changes cannot be written or read now: {error!r}"[:200],
        reason=QuestionReason.UNAVAILABLE,
    )
