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
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    TokenRecord,
    digest,
    new_secret,
    put_record,
)
from seamark.service.settings import SettingsError

logger = logging.getLogger(__name__)
_MODE = 0o600


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `credentials.json` holds: exactly these five, in the clear."""

    org: str
    app: str
    ingest_key: str
    query_token: str
    admin_token: str


def read_or_create(path: Path) -> Credentials:
    """The credentials in `path`; made and written there (mode 0600, synced) when it is missing.

    Raises SettingsError when the file is not what this wrote, OSError when it cannot be written.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        pass
    except msgspec.DecodeError as error:
        raise SettingsError(f"{path} is not a credentials file: {error}") from error
    made = Credentials(
        org="demo",
        app="demo",
        ingest_key=new_secret("ingest"),
        query_token=new_secret("query"),
        admin_token=new_secret("admin"),
    )
    write_private(path, msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    return made


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

    Idempotent. Raises nats errors when the log is away.
    """
    now_ms = time.time_ns() // 1_000_000
    org, app = credentials.org, credentials.app
    key = digest(credentials.ingest_key)
    query, admin = digest(credentials.query_token), digest(credentials.admin_token)
    records: dict[str, OrgRecord | AppRecord | KeyRecord | TokenRecord] = {
        f"org.{org}": OrgRecord(
            org=org, name=org.capitalize(), created_at_ms=now_ms, salt=secrets.token_hex(16)
        ),
        f"app.{org}.{app}": AppRecord(org=org, app=app, platform="web", origins=["*"]),
        f"key.{key}": KeyRecord(
            key_id=identifier("key", key), org=org, app=app, digest=key, created_at_ms=now_ms
        ),
    }
    for kind, hashed in (("query", query), ("admin", admin)):
        records[f"token.{hashed}"] = TokenRecord(
            token_id=identifier("tok", hashed),
            kind="query" if kind == "query" else "admin",
            org=org,
            digest=hashed,
            created_at_ms=now_ms,
        )
    missing = [record for name, record in records.items() if not await known(bucket, name)]
    for record in missing:
        await put_record(bucket, record)
    if missing:
        logger.info("first credentials registered", extra={"org": org, "records": len(missing)})
    return len(missing)


def identifier(kind: str, hashed: str) -> str:
    """A public name for a secret: from its digest, so that healing gives the same one again."""
    return f"{kind}_{hashed[:12]}"


async def known(bucket: KeyValue, name: str) -> bool:
    """Whether the bucket has `name`, or had it until someone deleted it."""
    try:
        await bucket.get(name)
    except KeyNotFoundError as error:
        return error.op is not None
    return True
