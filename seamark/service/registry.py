"""Orgs, apps, ingest keys and tokens: records in a JetStream KV bucket, watched into memory.

    bucket SEAMARK_CONFIG
      org.<org>                 OrgRecord
      app.<org>.<app>           AppRecord
      key.<sha256 of the key>   KeyRecord      (the key itself is shown once and stored nowhere)
      token.<sha256>            TokenRecord

A change reaches every `Registry` as soon as the server pushes it; look-ups are dictionary reads.
Keys carry 160 random bits, so their plain SHA-256 can be neither guessed nor reversed, and a
look-up by digest tells a timing attacker nothing about any stored key.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
import string
from typing import Final, Literal, TypeVar

import msgspec
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.service.health import Health
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.limits import LATE_WINDOW_SECONDS

logger = logging.getLogger(__name__)
_K = TypeVar("_K")
_R = TypeVar("_R")
_ALPHABET: Final = string.ascii_letters + string.digits
_PREFIXES: Final = {"ingest": "smk_", "query": "smq_", "admin": "sma_"}


class OrgRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An org; `salt` (hex) keys the hashes made for it."""

    org: str
    name: str
    plan: str = "free"
    created_at_ms: int = 0
    salt: str = ""


class AppRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An app of an org and how its telemetry is treated."""

    org: str
    app: str
    platform: str = ""
    status: Literal["active", "disabled"] = "active"
    sampling_rate: float = 1.0
    origins: list[str] = msgspec.field(default_factory=lambda: ["*"])
    late_window_seconds: int = LATE_WINDOW_SECONDS
    time_source: Literal["device", "received"] = "device"


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An ingest key. `expires_at_ms` ends the grace window of a rotated key; 0 = never."""

    key_id: str
    org: str
    app: str
    digest: str
    status: Literal["active", "disabled"] = "active"
    created_at_ms: int = 0
    expires_at_ms: int = 0


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A query or admin token, for a whole org (`app` empty) or one app."""

    token_id: str
    kind: Literal["query", "admin"]
    org: str
    digest: str
    app: str = ""
    status: Literal["active", "disabled"] = "active"
    created_at_ms: int = 0


def digest(secret: str) -> str:
    """Hex SHA-256 of a key or token, as stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(kind: Literal["ingest", "query", "admin"]) -> str:
    """A new key or token: prefix and 27 random dead letters and digits (160 bits)."""
    return _PREFIXES[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(27))


class Registry:
    """All records in memory, kept current by a watch. `start` returns once everything is loaded."""

    def __init__(self, health: Health | None = None) -> None:
        self.orgs: dict[str, OrgRecord] = {}
        self.apps: dict[tuple[str, str], AppRecord] = {}
        self.keys: dict[str, KeyRecord] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self._health = health
        self._task: asyncio.Task[None] | None = None

    def key(self, secret: str) -> KeyRecord | None:
        """The record of an ingest key, or None. Whether it may be used is the caller's question."""
        wanted = digest(secret)
        record = self.keys.get(wanted)
        return record if record and hmac.compare_digest(record.digest, wanted) else None

    def token(self, secret: str) -> TokenRecord | None:
        """The record of a query or admin token, or None."""
        wanted = digest(secret)
        record = self.tokens.get(wanted)
        return record if record and hmac.compare_digest(record.digest, wanted) else None

    def app(self, org: str, app: str) -> AppRecord | None:
        """The record of an app, or None."""
        return self.apps.get((org, app))

    def apply(self, key: str, value: bytes | None) -> None:
        """Take one change of the bucket; None = deleted. An unreadable record is skipped."""
        kind, _, rest = key.partition(".")
        try:
            if kind == "org":
                _put(self.orgs, rest, value, OrgRecord)
            elif kind == "app":
                org, _, app = rest.partition(".")
                _put(self.apps, (org, app), value, AppRecord)
            elif kind == "key":
                _put(self.keys, rest, value, KeyRecord)
            elif kind == "token":
                _put(self.tokens, rest, value, TokenRecord)
        except msgspec.ValidationError as error:
            logger.error("unreadable record", extra={"key": key, "error": str(error)})

    async def start(self, client: NatsClient) -> None:
        """Load the bucket and keep watching it. Raises nats errors when it does not exist."""
        bucket = await client.jetstream(timeout=5).key_value(CONFIG_BUCKET)
        watcher = await bucket.watchall()
        loaded = asyncio.Event()

        async def follow() -> None:
            async for entry in watcher:
                if entry is None:  # the marker after the last stored record
                    loaded.set()
                    continue
                self.apply(entry.key, None if entry.operation else entry.value)

        self._task = asyncio.create_task(follow(), name="registry-watch")
        await asyncio.wait_for(loaded.wait(), 10)
        if self._health is not None:
            self._health.up("registry")

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _put(table: dict[_K, _R], key: _K, value: bytes | None, kind: type[_R]) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = msgspec.json.decode(value, type=kind)


async def put_record(
    bucket: KeyValue, record: OrgRecord | AppRecord | KeyRecord | TokenRecord
) -> None:
    """Write a record under its key, replacing what was there."""
    match record:
        case OrgRecord():
            key = f"org.{record.org}"
        case AppRecord():
            key = f"app.{record.org}.{record.app}"
        case KeyRecord():
            key = f"key.{record.digest}"
        case TokenRecord():
            key = f"token.{record.digest}"
    await bucket.put(key, msgspec.json.encode(record))
