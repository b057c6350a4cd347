"""The first org, app, key and tokens: a file for the person, records for the registry.

The file comes first and the records are made to agree with it, so a crash in between heals at the
next start. Nothing is ever rotated or brought back here: a record that was changed stays as it is,
and one that was deleted stays deleted.
"""

import logging
import os
import secrets
import time
from pathlib import Path

import msgspec
from nats.js.kv import KeyValue

from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Record,
    TokenKind,
    TokenRecord,
    digest,
    new_secret,
)
from seamark.service.registry.secrets import public_id
from seamark.service.registry.store import RecordStore
from seamark.service.settings import SettingsError

logger = logging.getLogger(__name__)
_MODE = 0o600


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `credentials.json` holds: exactly these six, in the clear."""

    org: str
    app: str
    ingest_key: str
    query_token: str
    admin_token: str
    operator_token: str = ""


def read_or_create(path: Path) -> Credentials:
    """The credentials in `path`; made and written there (mode 0600, synced) when it is missing.

    A file from before there were operators gets an operator token.

    Raises SettingsError when the file is not what this wrote, OSError when it cannot be written.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        pass
    except msgspec.DecodeError as error:
        raise SettingsError(f"{path} is not a credentials file: {error}") from error
    else:
        if found.operator_token:
            return found
        return _written(path, msgspec.structs.replace(found, operator_token=new_secret("operator")))
    made = Credentials(
        org="demo",
        app="demo",
        ingest_key=new_secret("ingest"),
        query_token=new_secret("query"),
        admin_token=new_secret("admin"),
        operator_token=new_secret("operator"),
    )
    return _written(path, made)


def _written(path: Path, credentials: Credentials) -> Credentials:
    write_private(path, msgspec.json.format(msgspec.json.encode(credentials)) + b"\n")
    return credentials


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk before this returns."""
    partial = path.with_name(path.name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as file:
        os.fchmod(file.fileno(), _MODE)  # a left-over file keeps the mode it was made with
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def seed(bucket: KeyValue, credentials: Credentials) -> int:
    """Put the records that `credentials` need and the bucket never had; returns how many.

    Idempotent. Raises RecordsUnavailable when the log is away.
    """
    now_ms = time.time_ns() // 1_000_000
    org, app = credentials.org, credentials.app
    key = digest(credentials.ingest_key)
    records: list[Record] = [
        OrgRecord(org=org, name=org.capitalize(), created_at_ms=now_ms, salt=secrets.token_hex(16)),
        AppRecord(org=org, app=app, platform="web", origins=["*"], created_at_ms=now_ms),
        KeyRecord(key_id=public_id("key", key), org=org, app=app, digest=key, created_at_ms=now_ms),
        _token("query", credentials.query_token, org=org, now_ms=now_ms),
        _token("admin", credentials.admin_token, org=org, now_ms=now_ms),
        _token("operator", credentials.operator_token, org="", now_ms=now_ms),
    ]
    store = RecordStore(bucket)
    written = sum([await store.create_first(record) for record in records])
    if written:
        logger.info("first credentials registered", extra={"org": org, "records": written})
    return written


def _token(kind: TokenKind, secret: str, *, org: str, now_ms: int) -> TokenRecord:
    hashed = digest(secret)
    return TokenRecord(
        token_id=public_id("tok", hashed),
        kind=kind,
        org=org,
        digest=hashed,
        name="first start",
        created_at_ms=now_ms,
    )
