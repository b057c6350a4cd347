"""Rows of the archive's manifest, made anew from the files; and bringing a manifest up to them.

A row is what the archive itself would have written: the same sums, of the same rows.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from processors.archive.files import ArchiveFile, Count
from processors.archive.layout import hour_of
from processors.archive.manifest import Manifest
from processors.blocks.sink import SinkUnavailable
from seamark.recovery.archive import MANIFEST, Archive, Footer, footer_of, listed_live
from seamark.recovery.statements import statement_of
from seamark.recovery.store import RecoveryStore, StoreFailed
from seamark.service.clickhouse.quoting import literal

_MANIFEST_SECONDS: Final = 60.0
_AT_ONCE: Final = 500


async def entry_of(store: RecoveryStore, path: str, file: Path, footer: Footer) -> ArchiveFile:
    """The row of one file, which `file` is, or is a copy of."""
    digest = await asyncio.to_thread(_sha256, file)
    status = await asyncio.to_thread(file.stat)
    counts = await _counts(store, file) if footer.rows else []
    first, last, earliest, latest = ([row[name] for row in counts] for name in "abcd")
    return ArchiveFile(
        path=path,
        signal=hour_of(path).signal,
        stream=footer.stream,
        first_sequence=footer.first,
        last_sequence=footer.last,
        rows=footer.rows,
        bytes=status.st_size,
        sha256=digest,
        min_received=min(first, default=footer.min_received),
        max_received=max(last, default=footer.max_received),
        min_time=min(earliest, default=footer.min_received),
        max_time=max(latest, default=footer.max_received),
        written_at=int(status.st_mtime * 1000),
        version=int(status.st_mtime * 1000),
        replaces=footer.replaces,
        counts=tuple(Count(*(row[name] for name in Count.__struct_fields__)) for row in counts),
    )


async def add_entries(store: RecoveryStore, entries: Sequence[ArchiveFile], *, token: str) -> None:
    """Put rows into the manifest. Raises StoreFailed."""
    manifest = Manifest(store.session, store.settings, timeout_seconds=_MANIFEST_SECONDS)
    try:
        await manifest.add(entries, token=token)
    except SinkUnavailable as error:
        raise StoreFailed(str(error)) from error


def archived(entry: ArchiveFile) -> list[Mapping[str, Any]]:
    """What a file adds to the ledger's `archived`. Pure."""
    return [
        {
            "org": one.org,
            "app": one.app,
            "signal": entry.signal.value,
            "minute": one.minute,
            "key_id": one.key_id,
            "archived": one.rows,
        }
        for one in entry.counts
    ]


async def rebuild_manifest(store: RecoveryStore, archive: Archive) -> int:
    """Make the manifest say what is in the archive; returns how many files are live.

    For a store that is older than the archive, and that nobody else has open: files were written
    since, others merged and deleted. The ledger's `archived` is raised to what the files hold.
    """
    live = await listed_live(archive)
    entries = []
    for path in live:
        file = await asyncio.to_thread(archive.local, path)
        footer = await asyncio.to_thread(footer_of, file)
        entries.append(await entry_of(store, path, file, footer))
        archive.done(file)
    view = f"{store.database}.ledger_archived_view"
    await store.command(f"DETACH TABLE {view} SYNC")  # what was counted is not counted again
    await store.command(f"TRUNCATE TABLE {store.database}.{MANIFEST}")
    for at in range(0, len(entries), _AT_ONCE):
        await add_entries(store, entries[at : at + _AT_ONCE], token="")
    await store.command(f"ATTACH TABLE {view}")
    await store.command(statement_of("add_archived", database=store.database))
    return len(entries)


async def _counts(store: RecoveryStore, file: Path) -> list[dict[str, Any]]:
    """Rows of a file by org, app, minute and key, with their first and last times (ms)."""
    structure = (
        "org String, app String, key_id String, received_at DateTime64(3, 'UTC'),"
        " time DateTime64(9, 'UTC')"
    )
    source, upload = "f", None
    if store.local:
        source = f"file({literal(str(file))}, 'Parquet', {literal(structure)})"
    else:
        upload = aiohttp.FormData()
        upload.add_field("f", await asyncio.to_thread(file.read_bytes), filename="f")
    return await store.rows(
        statement_of("count_file", source=source),
        upload=upload,
        settings={"f_structure": structure, "f_format": "Parquet"} if upload else {},
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
