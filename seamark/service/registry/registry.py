"""Orgs, apps, ingest keys and tokens in memory, kept current by a watch of their bucket.

Look-ups are dictionary reads. A change reaches every `Registry` as soon as the server pushes it,
and within a second whatever was killed (`watch.py`). What cannot be read is an alarm: a condition
of the process's health that names the key, and a metric; what was read there before stays in force
until the record is mended or deleted.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

from nats.aio.client import Client as NatsClient

from seamark.service.health import Health
from seamark.service.registry.records import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Record,
    SchemaRecord,
    TokenRecord,
    UnreadableRecord,
    read_record,
    record_key,
)
from seamark.service.registry.secrets import digest
from seamark.service.registry.watch import BucketWatch

logger = logging.getLogger(__name__)
CONDITION: Final = "registry records"
_NAMED: Final = 3
"""Keys of unreadable records that the condition names; of more it tells the number."""


class Registry:
    """All records in memory. `start` returns once everything is loaded.

    `unreadable` is called with the number of records that cannot be read, when it changes.
    """

    def __init__(
        self, health: Health | None = None, *, unreadable: Callable[[int], None] | None = None
    ) -> None:
        self.orgs: dict[str, OrgRecord] = {}
        self.apps: dict[tuple[str, str], AppRecord] = {}
        self.keys: dict[str, KeyRecord] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self.schemas: dict[tuple[str, str], Mapping[str, SchemaRecord]] = {}
        """Org and app -> event type -> schema; another object after each change."""
        self.unreadable: dict[str, str] = {}
        """Key -> what is wrong with the record."""
        self.used: dict[str, int] = {}
        """Digest of a token -> the minute it was last used in here, in epoch milliseconds."""
        self.revision = 0
        """That of the last change taken."""
        self._revisions: dict[str, int] = {}
        self._health = health
        self._tell = unreadable or (lambda _: None)
        self._changed = asyncio.Event()
        self._watch: BucketWatch | None = None

    @property
    def current(self) -> bool:
        """Whether what is not here is nowhere: not while the log is away, and until it is read."""
        return self._watch is None or self._watch.live

    def may_be_missing(self, secret: str) -> bool:
        """Whether what an ingest key needs may be there all the same, and cannot be seen here."""
        hashed = digest(secret)
        key = self.keys.get(hashed)
        if key is None:
            return not self.current or f"key.{hashed}" in self.unreadable
        missing = (key.org, key.app) not in self.apps
        return missing and f"app.{key.org}.{key.app}" in self.unreadable

    def key(self, secret: str) -> KeyRecord | None:
        """The record of an ingest key, or None. Whether it may be used is the caller's question."""
        wanted = digest(secret)
        record = self.keys.get(wanted)
        return record if record and hmac.compare_digest(record.digest, wanted) else None

    def token(self, secret: str) -> TokenRecord | None:
        """The record of a token, or None."""
        wanted = digest(secret)
        record = self.tokens.get(wanted)
        return record if record and hmac.compare_digest(record.digest, wanted) else None

    def app(self, org: str, app: str) -> AppRecord | None:
        """The record of an app, or None."""
        return self.apps.get((org, app))

    def revision_of(self, key: str) -> int:
        """The revision of what lies under a key of the bucket; 0: nothing was ever read there."""
        return self._revisions.get(key, 0)

    def apply(self, key: str, value: bytes | None, *, revision: int = 0) -> None:
        """Take one change of the bucket; None = deleted."""
        self._revisions[key] = revision
        try:
            if value is None:
                self._remove(key)
            else:
                self._put(read_record(key, value))
        except UnreadableRecord as error:
            self.unreadable[key] = str(error)
            logger.error("unreadable record", extra={"key": key, "error": str(error)})
            self._alarm()
        else:
            if self.unreadable.pop(key, None) is not None:
                self._alarm()
        self.revision = max(self.revision, revision)
        self._changed.set()

    def loaded(self, keys: Collection[str], *, revision: int) -> None:
        """The bucket was read from its beginning, and these keys are all it has."""
        for key in self._revisions.keys() - set(keys):
            self.apply(key, None)
            del self._revisions[key]
        self.revision = revision
        self._changed.set()
        if self._health is not None:
            self._health.up("registry")

    async def reached(self, revision: int, *, seconds: float) -> bool:
        """Wait until a revision was taken, at most `seconds`; returns whether it was."""
        try:
            async with asyncio.timeout(seconds):
                while self.revision < revision:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def start(self, client: NatsClient) -> None:
        """Load the bucket and keep watching it. Raises nats errors when it does not exist."""
        self._watch = BucketWatch(client, take=self.apply, loaded=self.loaded, health=self._health)
        await self._watch.start()

    async def stop(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            await self._watch.stop()

    def _put(self, record: Record) -> None:
        match record:
            case OrgRecord():
                self.orgs[record.org] = record
            case AppRecord():
                self.apps[record.org, record.app] = record
            case KeyRecord():
                self.keys[record.digest] = record
            case TokenRecord():
                self.tokens[record.digest] = record
            case SchemaRecord():
                app = record.org, record.app
                self.schemas[app] = {**self.schemas.get(app, {}), record.event_type: record}

    def _remove(self, key: str) -> None:
        kind, _, rest = key.partition(".")
        match kind:
            case "org":
                self.orgs.pop(rest, None)
            case "app":
                org, _, app = rest.partition(".")
                self.apps.pop((org, app), None)
            case "key":
                self.keys.pop(rest, None)
            case "token":
                self.tokens.pop(rest, None)
            case "schema":
                self._remove_schema(key)

    def _remove_schema(self, key: str) -> None:
        for app, schemas in self.schemas.items():
            kept = {kind: record for kind, record in schemas.items() if record_key(record) != key}
            if len(kept) < len(schemas):
                self.schemas[app] = kept
                return

    def _alarm(self) -> None:
        self._tell(len(self.unreadable))
        if self._health is None:
            return
        named = [f"{key}: {error}" for key, error in sorted(self.unreadable.items())]
        more = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        detail = "; ".join(named[:_NAMED]) + more
        if detail:
            detail += ". What was read there before stays in force; mend or delete the record."
        self._health.degrade(CONDITION, detail)
