"""The app `seamark` of the operator's org, to which Seamark's processes report, and its key.

The key is in a file of its own (mode 0600), made at the first start, and nowhere else in the clear.
As with the first credentials, the file comes first and the registry is made to agree with it; what
an administrator disabled or deleted stays so.
"""

import time
from pathlib import Path
from typing import Final

from nats.js.kv import KeyValue

from provisioning.credentials import identifier, known, write_private
from seamark.service.registry import AppRecord, KeyRecord, digest, new_secret, put_record

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

    Idempotent. Raises nats errors when the log is away.
    """
    now_ms, hashed = time.time_ns() // 1_000_000, digest(key)
    records: dict[str, AppRecord | KeyRecord] = {
        f"app.{org}.{APP}": AppRecord(org=org, app=APP, platform="server", origins=[]),
        f"key.{hashed}": KeyRecord(
            key_id=identifier("key", hashed),
            org=org,
            app=APP,
            digest=hashed,
            created_at_ms=now_ms,
        ),
    }
    missing = [record for name, record in records.items() if not await known(bucket, name)]
    for record in missing:
        await put_record(bucket, record)
    return len(missing)
