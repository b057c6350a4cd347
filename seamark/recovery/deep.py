"""`seamark verify --deep`: every live file of the archive read, and held against the manifest."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from processors.archive.layout import hour_of
from seamark.recovery.archive import MANIFEST, Archive, footer_of
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.stack import RecoveryError
from seamark.recovery.store import RecoveryStore


async def check_files(
    store: RecoveryStore, archive: Archive, begin: datetime, end: datetime
) -> list[str]:
    """What is wrong with the files of the range's hours, one sentence each."""
    rows = await store.rows(
        f"SELECT path, rows, bytes, sha256 FROM {store.database}.{MANIFEST} FINAL"
        " WHERE state = 'live' ORDER BY path"
    )
    hours = range(int(begin.timestamp()) // 3600, -(-int(end.timestamp()) // 3600))
    files = [row for row in rows if hour_of(row["path"]).number in hours]
    progress = RecoveryProgress("reading the archive", "bytes", sum(row["bytes"] for row in files))
    problems: list[str] = []
    for row in files:
        problems += await asyncio.to_thread(_check, archive, row)
        progress.add(row["bytes"])
    progress.end()
    return problems


def _check(archive: Archive, row: Mapping[str, Any]) -> list[str]:
    path = row["path"]
    try:
        file = archive.local(path)
        try:
            return [f"{path}: {problem}" for problem in _compared(file, row)]
        finally:
            archive.done(file)
    except FileNotFoundError:
        return [f"{path}: the manifest says it is live, and it is not there"]
    except (OSError, RecoveryError) as error:
        return [f"{path}: {error}"]


def _compared(file: Path, row: Mapping[str, Any]) -> list[str]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != row["sha256"]:
        size = file.stat().st_size
        return [f"its checksum is not the manifest's ({size:,} bytes, {row['bytes']:,} expected)"]
    found = footer_of(file).rows
    return [] if found == row["rows"] else [f"{found:,} rows, {row['rows']:,} in the manifest"]
