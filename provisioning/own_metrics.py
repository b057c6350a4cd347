"""The app `seamark` of the operator's org, to which Seamark's processes report, and its key.

The key is in a file of its own (mode 0600), made at the first start, and nowhere else in the clear.
As with the first credentials, the file comes first and the registry is made to agree with it; what
an administrator disabled or deleted stays so.
"""

import time
from pathlib import Path
from typing import Final

from nats.js.kv import KeyValue

from provisioning.credentials import write_private
from seamark.service.registry import AppRecord, KeyRecord, Record, digest, new_secret
from seamark.service.registry.secrets import public_id
from seamark.service.registry.store import RecordStore

APP: Final = "seamark"


def read_or_create_key(path: Path) -> str:
    """The key in `path`; made and written there when it is missing. Raises OSError."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        key = new_secret("ingest")
        write_private(path, key.encode() + b"\n")
        return key


async def seed_own_metrics(bucket: KeyValue, org: str, key: str) -> int:
    """Put the app and its key where the bucket never had them; returns how many.

    Idempotent. Raises RecordsUnavailable when the log is away.
    """
    now_ms, hashed = time.time_ns() // 1_000_000, digest(key)
    records: list[Record] = [
        AppRecord(org=org, app=APP, platform="server", origins=[], created_at_ms=now_ms),
        KeyRecord(
            key_id=public_id("key", hashed),
            org=org,
            app=APP,
            digest=hashed,
            created_at_ms=now_ms,
        ),
    ]
    store = RecordStore(bucket)
    return sum([await store.create_first(record) for record in records])
