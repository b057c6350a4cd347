"""`python -m provisioning.compose.backup`: ClickHouse's own BACKUP of all tables, into the bucket.

Below `telemetry/backups/`, named by its time (UTC). It touches `last-backup`, whose age the API
tells (`seamark_backup_age_seconds`). `docs/compose.md` says how one is restored and removed.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from seamark.service.clickhouse.client import HttpClient, RequestFailed, connector
from seamark.service.connections import StoreSettings
from seamark.service.settings import SettingsError, load

DISK: Final = "backups"
"""As `clickhouse/config.xml` calls it."""
TOUCHED: Final = Path("/var/lib/seamark/admin/last-backup")
_LONGEST_SECONDS: Final = 24 * 3600.0


def statement(database: str, name: str) -> str:
    """What is asked of the store. Both are ours, and hold no quote."""
    return f"BACKUP DATABASE {database} TO Disk('{DISK}', '{name}')"


async def back_up(settings: StoreSettings, name: str) -> None:
    """Returns when the copy is whole. Raises RequestFailed, OSError, aiohttp.ClientError."""
    async with aiohttp.ClientSession(connector=connector(settings)) as session:
        client = HttpClient(session, settings, timeout_seconds=_LONGEST_SECONDS)
        await client.post(statement(settings.database, name).encode(), {})


def main(environ: Mapping[str, str], touched: Path = TOUCHED) -> int:
    """The exit code: 0 when the backup is there."""
    name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    try:
        settings = load(StoreSettings, prefix="SEAMARK_STORE", environ=environ)
        asyncio.run(back_up(settings, name))
        touched.touch(mode=0o600)
    except (SettingsError, RequestFailed, OSError, aiohttp.ClientError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 1
    print(f"backups/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
