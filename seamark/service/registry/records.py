"""The records of the registry: JSON in the JetStream KV bucket SEAMARK_CONFIG. Pure.

    org.<org>                 OrgRecord
    app.<org>.<app>           AppRecord
    key.<sha256 of the key>   KeyRecord      (the key itself is shown once and stored nowhere)
    token.<sha256>            TokenRecord
    schema.<org>.<app>.<event type>   SchemaRecord

A record that holds a field its reader does not know is unreadable to it: a rule that cannot be
obeyed must not be passed over in silence.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from seamark.service.registry.names import app_key, org_key, schema_key, secret_key
from seamark.service.registry.settings import AppSettings, KeySettings, OrgSettings

TokenKind = Literal["query", "admin", "operator"]
SchemaMode = Literal["off", "warn", "enforce"]
Compatibility = Literal["backward", "forward", "full", "none"]
Status = Literal["active", "disabled"]


class OrgRecord(OrgSettings, frozen=True, kw_only=True):
    """An org; `salt` (hex) keys the hashes made for it."""

    org: str
    created_at_ms: int = 0
    salt: str = ""


class AppRecord(AppSettings, frozen=True, kw_only=True):
    """An app of an org."""

    org: str
    app: str
    status: Status = "active"
    created_at_ms: int = 0


class KeyRecord(KeySettings, frozen=True, kw_only=True):
    """An ingest key. `expires_at_ms` ends the grace window of a rotated key; 0 = never."""

    key_id: str
    org: str
    app: str
    digest: str
    status: Status = "active"
    created_at_ms: int = 0
    expires_at_ms: int = 0


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token: of an operator (`org` empty), or for a whole org (`app` empty) or one app.

    `expires_at_ms`: 0 = never.
    """

    token_id: str
    kind: TokenKind
    digest: str
    org: str = ""
    app: str = ""
    name: str = ""
    status: Status = "active"
    created_at_ms: int = 0
    expires_at_ms: int = 0

    def expired(self, now_ms: int) -> bool:
        """Whether its time is over."""
        return bool(self.expires_at_ms) and now_ms >= self.expires_at_ms


class SchemaVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a schema: JSON Schema 2020-12, as JSON text."""

    version: int
    schema: str
    created_at_ms: int = 0


class SchemaRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What events of one type of an app look like; the last of its versions is in force."""

    org: str
    app: str
    event_type: str
    versions: tuple[SchemaVersion, ...]
    mode: SchemaMode = "enforce"
    compatibility: Compatibility = "backward"

    def __post_init__(self) -> None:
        if not self.versions:
            raise ValueError("a schema has at least one version")

    @property
    def latest(self) -> SchemaVersion:
        """The version in force."""
        return self.versions[-1]


Record = OrgRecord | AppRecord | KeyRecord | TokenRecord | SchemaRecord
KINDS: Final[Mapping[str, type[Record]]] = {
    "org": OrgRecord,
    "app": AppRecord,
    "key": KeyRecord,
    "token": TokenRecord,
    "schema": SchemaRecord,
}


class UnreadableRecord(Exception):
    """What lies under a key is not a record that belongs there."""


def record_key(record: Record) -> str:
    """Where a record lies. Raises ValueError when one of its names cannot be part of a key."""
    match record:
        case OrgRecord():
            return org_key(record.org)
        case AppRecord():
            return app_key(record.org, record.app)
        case KeyRecord():
            return secret_key("key", record.digest)
        case TokenRecord():
            return secret_key("token", record.digest)
        case SchemaRecord():
            return schema_key(record.org, record.app, record.event_type)


def read_record(key: str, value: bytes) -> Record:
    """The record under a key. Raises UnreadableRecord: unknown kind, wrong form, or misplaced."""
    kind = KINDS.get(key.partition(".")[0])
    if kind is None:
        raise UnreadableRecord(f"unknown kind of record; known are {', '.join(KINDS)}")
    try:
        record: Record = msgspec.json.decode(value, type=kind)
        place = record_key(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UnreadableRecord(str(error)[:300]) from None
    if place != key:
        raise UnreadableRecord(f"it says that it belongs under {place}")
    return record
