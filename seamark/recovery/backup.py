"""`seamark backup`: the store, the positions it stands at, the configuration, in one folder.

Consistent: the sinks are paused at the end of a block while the engine copies, and the positions'
revisions before and after prove that they were. Ingest goes on into the log meanwhile. So the
positions say exactly what the copy holds, and a log that goes on from them adds exactly the rest.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from seamark.recovery.positions import PositionRecord, bucket_of, entries, open_log, paused
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.snapshot import (
    FORMAT,
    BackupManifest,
    Snapshot,
    chain,
    complete_ones,
    new_snapshot,
)
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.store import RecoveryStore, open_store
from seamark.recovery.tables import RAW
from seamark.standalone.folder import Folder
from seamark.standalone.store.folder import StoreFolder
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.positions import Position

_TRIES: Final = 3
_LONGEST_CHAIN: Final = 24
"""After so many backups on top of one another the next one is whole again."""


async def backup(stack: Stack, to: Path, *, full: bool) -> tuple[Snapshot, BackupManifest]:
    """Take a backup into a new folder in `to`; what is unfinished is removed again.

    Raises RecoveryError.
    """
    folder = stack.folder
    if folder is None:
        raise RecoveryError(
            "seamark backup copies the embedded store of a one-machine stack (--data DIR); that of "
            "a cluster is backed up by ClickHouse's own BACKUP, and rebuilt by seamark replay"
        )
    before = [] if full else _base(to)
    snapshot = new_snapshot(to, datetime.now(UTC))
    try:
        manifest = await _take(stack, folder, snapshot, before)
        snapshot.write_credentials(folder.credentials)
        snapshot.finish(manifest)
        folder.last_backup.touch(mode=0o600)
    except BaseException:
        snapshot.remove()
        raise
    return snapshot, manifest


def _base(to: Path) -> list[Snapshot]:
    """The backups that the next one may build on, newest first."""
    found = complete_ones(to)
    before = chain(found[-1]) if found else []
    return before if len(before) < _LONGEST_CHAIN else []


async def _take(
    stack: Stack, folder: Folder, snapshot: Snapshot, before: Sequence[Snapshot]
) -> BackupManifest:
    began = time.monotonic()
    links = StoreFolder(folder.part("store")).backups
    async with open_log(stack.log) as client, open_store(stack.store) as store:
        bucket = await bucket_of(client)
        config = await entries(await bucket_of(client, CONFIG_BUCKET))
        snapshot.write_config({key: value for key, (value, _) in config.items()})
        with linked(links, [snapshot, *before]):
            for _ in range(_TRIES):
                async with paused(bucket) as pause:
                    still = time.monotonic()
                    rows = await raw_rows(store)
                    await _copy(store, snapshot, before)
                    if await pause.unmoved():
                        positions = _positions(pause.proof)
                        paused_seconds = time.monotonic() - still
                        break
                await asyncio.to_thread(_remove_store, snapshot)
            else:
                raise RecoveryError(
                    "the sinks did not stay paused during the copy; does the log answer?"
                )
    return BackupManifest(
        format=FORMAT,
        name=snapshot.name,
        taken_at_ms=int(time.time() * 1000),
        seconds=round(time.monotonic() - began, 3),
        paused_seconds=round(paused_seconds, 3),
        bytes=await asyncio.to_thread(snapshot.size),
        base=before[0].name if before else "",
        database=stack.store.database,
        rows=rows,
        positions=positions,
    )


def _positions(records: Sequence[PositionRecord]) -> dict[str, Position]:
    return {record.key: record.position for record in records}


async def raw_rows(store: RecoveryStore) -> dict[str, int]:
    """Rows of every raw table."""
    return {
        table: int(await store.value(f"SELECT count() AS n FROM {store.database}.{table}"))
        for table in RAW.values()
    }


async def _copy(store: RecoveryStore, snapshot: Snapshot, before: Sequence[Snapshot]) -> None:
    base = f" SETTINGS base_backup = File('{before[0].name}')" if before else ""
    total = int(
        await store.value(
            "SELECT sum(bytes_on_disk) AS n FROM system.parts"
            " WHERE active AND database = {d:String}",
            params={"d": store.database},
        )
    )
    async with _watched(snapshot, 0 if before else total):
        await store.command(f"BACKUP DATABASE {store.database} TO File('{snapshot.name}'){base}")


@asynccontextmanager
async def _watched(snapshot: Snapshot, total: int) -> AsyncIterator[None]:
    """Tell how large the copy is while it grows."""
    progress = RecoveryProgress("copying the store", "bytes", total)

    async def watch() -> None:
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(OSError):  # files come and go under our feet
                progress.add(await asyncio.to_thread(snapshot.size) - progress.done)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _remove_store(snapshot: Snapshot) -> None:
    Snapshot(snapshot.store).remove()
    snapshot.store.mkdir(mode=0o700)


@contextmanager
def linked(links: Path, snapshots: Sequence[Snapshot]) -> Iterator[None]:
    """Let the engine write and read backups where it may: links in its folder of backups.

    Links of the same name that a killed command left are replaced.
    """
    made = []
    try:
        for snapshot in snapshots:
            snapshot.store.mkdir(mode=0o700, exist_ok=True)
            link = links / snapshot.name
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
            os.symlink(snapshot.store, link)
            made.append(link)
        yield
    finally:
        for link in made:
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
