"""What the routes of administration share: records, repeated requests, and what was changed."""

import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import nats.errors
from nats.aio.client import Client as NatsClient
from nats.js.client import JetStreamContext
from nats.js.kv import KeyValue

from api.admin.audit import AuditEntry, AuditLog, fields
from api.reasons import QuestionReason
from api.store import QuestionStore
from seamark.service.registry import Registry, TokenRecord
from seamark.service.registry.records import UnreadableRecord
from seamark.service.registry.spread import reached_all
from seamark.service.registry.store import Conflict, RecordStore, RecordsUnavailable
from seamark.wire.buckets import ADMIN_BUCKET, CONFIG_BUCKET
from seamark.wire.failures import Rejected, Unavailable

_SEEN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change to be made, for the record of changes; before and after as they are answered."""

    action: str
    org: str
    app: str
    target: str
    before: msgspec.Struct | None = None
    after: msgspec.Struct | None = None


@dataclass(frozen=True, slots=True)
class _Connected:
    records: RecordStore
    memory: KeyValue
    audit: AuditLog
    jetstream: JetStreamContext


class Administration:
    """Reads from the registry in memory, writes records into the log once it is connected.

    `store`: where stored events are read from, to propose schemas.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        store: QuestionStore | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.registry = registry
        self.store = store
        self.clock_ms = clock_ms
        self._client: NatsClient | None = None
        self._connected: _Connected | None = None

    def connect(self, client: NatsClient) -> None:
        """Use this connection to the log from now on."""
        self._client = client

    async def records(self) -> RecordStore:
        """Where records are written. Raises Unavailable."""
        return (await self._open()).records

    async def memory(self) -> KeyValue:
        """The bucket of repeated requests and uses of tokens. Raises Unavailable."""
        return (await self._open()).memory

    async def audit(self) -> AuditLog:
        """The record of changes. Raises Unavailable."""
        return (await self._open()).audit

    async def make(
        self,
        change: Change,
        do: Callable[[RecordStore], Awaitable[int]],
        *,
        token: TokenRecord,
        address: str,
    ) -> int:
        """Make a change, with its entry; returns its revision once every process was sent it.

        `do` writes and returns the last revision. Raises what it raises; Unavailable.
        """
        opened = await self._open()
        entry = AuditEntry(
            id=opened.audit.new_id(),
            at=self.clock_ms(),
            by=token.token_id,
            by_kind=token.kind,
            address=address,
            action=change.action,
            org_id=change.org,
            app_id=change.app,
            target=change.target,
            outcome="begun",
            before=fields(change.before),
            after=fields(change.after),
        )
        await opened.audit.put(entry)
        try:
            revision = await do(opened.records)
        except (Conflict, Rejected):
            await self._note(opened, msgspec.structs.replace(entry, outcome="refused"))
            raise
        except RecordsUnavailable as error:
            raise _away(error) from error
        except UnreadableRecord as error:
            await self._note(opened, msgspec.structs.replace(entry, outcome="refused"))
            raise Rejected(
                QuestionReason.CONFLICT,
                f"The record that is there cannot be read: {error}. Mend it first.",
            ) from error
        await self._note(opened, msgspec.structs.replace(entry, outcome="done"))
        await self._seen(opened, revision)
        return revision

    async def _seen(self, opened: _Connected, revision: int) -> None:
        """Wait until every process has the change: at most a second for this one, and a second for
        the others. Then the change is answered all the same."""
        await self.registry.reached(revision, seconds=_SEEN_SECONDS)
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await reached_all(opened.jetstream, revision, seconds=_SEEN_SECONDS)

    @staticmethod
    async def _note(opened: _Connected, entry: AuditEntry) -> None:
        """Write the result of a change; if that fails, its entry stays `begun`."""
        with contextlib.suppress(Unavailable):
            await opened.audit.put(entry)

    async def _open(self) -> _Connected:
        if self._connected is None:
            if self._client is None:
                raise _away("this process has no connection to it yet")
            jetstream = self._client.jetstream(timeout=2)
            try:
                records = await jetstream.key_value(CONFIG_BUCKET)
                memory = await jetstream.key_value(ADMIN_BUCKET)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                raise _away(error) from error
            self._connected = _Connected(
                RecordStore(records), memory, AuditLog(jetstream), jetstream
            )
        return self._connected


def _away(error: object) -> Unavailable[QuestionReason]:
    return Unavailable(
        f"The log cannot be written now: {error}. Read what is there before you send it again."[
            :300
        ],
        reason=QuestionReason.UNAVAILABLE,
    )
