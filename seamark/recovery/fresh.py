"""From the archive into empty tables: whole files, as they are, and the ledger from their footers.

One file is one insert into a raw table, under a token of its path, so that it can be sent again;
the views on the raw tables make the rollups and `stored` of it. Its ledger rows come from its
footer, and its row of the manifest is made anew. No Python touches a row.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from nats.js.kv import KeyValue

from processors.archive.layout import hour_of
from seamark.recovery import journal
from seamark.recovery.archive import (
    Archive,
    footer_of,
    in_range,
    listed_live,
    manifest_rows,
)
from seamark.recovery.entries import add_entries, archived, entry_of
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.request import RecoveryRequest
from seamark.recovery.stack import RecoveryError
from seamark.recovery.store import RecoveryStore
from seamark.recovery.tables import RAW
from seamark.service.clickhouse.quoting import literal
from seamark.wire.insert import INSERT_SETTINGS

_CHUNK_BYTES: Final = 1024 * 1024
FILE_SETTINGS: Final[Mapping[str, str]] = {
    **{name: value for name, value in INSERT_SETTINGS.items() if name != "format_schema"},
    "input_format_parquet_allow_missing_columns": "1",
    "input_format_parquet_preserve_order": "1",
    "max_parsing_threads": "1",
    "max_block_size": "65536",
    "max_insert_block_size": "262144",
    "min_insert_block_size_rows": "262144",
    "min_insert_block_size_bytes": "134217728",
}
"""As blocks are inserted, and a file cut into the same pieces each time."""


async def replay_fresh(
    store: RecoveryStore, bucket: KeyValue, archive: Archive, request: RecoveryRequest
) -> int:
    """Bring the files of the range in; returns the rows. The archive's sink must be paused.

    Raises RecoveryError when the tables are not empty, or StoreFailed; then run it again.
    """
    request.require_whole_files()
    begun = await journal.read(bucket, journal.Fresh)
    if begun is None:
        live = await manifest_rows(store) or await listed_live(archive)
        paths = in_range(live, [signal.value for signal in request.signals], *request.hours)
        rows = {path: live[path] for path in paths}
        if await _is_there(store, request, sum(rows.values())):
            return 0
        begun = journal.Fresh(id=_id_of(request), files=rows, done=[])
        await journal.write(bucket, begun)
    elif begun.id != _id_of(request):
        raise RecoveryError(
            f"another replay was begun and not finished ({begun.id}): run that one again first"
        )
    known = await manifest_rows(store)
    progress = RecoveryProgress("replaying the archive", "rows", sum(begun.files.values()))
    progress.done = sum(begun.files[path] for path in begun.done)
    for path, count in begun.files.items():
        if path not in begun.done:
            await bring_in(store, archive, path, is_known=path in known)
            begun.done.append(path)
            await journal.write(bucket, begun)
            progress.add(count)
    await journal.clear(bucket, journal.Fresh)
    progress.end()
    return sum(begun.files.values())


def _id_of(request: RecoveryRequest) -> str:
    """The same for the same request."""
    return (
        f"{request.begin:%Y-%m-%dT%H:%MZ} to {request.end:%Y-%m-%dT%H:%MZ} of "
        f"{', '.join(request.signals)}"
    )


async def _is_there(store: RecoveryStore, request: RecoveryRequest, expected: int) -> bool:
    """Whether exactly that many rows are there already. Raises RecoveryError unless it is none."""
    total = 0
    for signal in request.signals:
        found = await store.value(
            f"SELECT count() AS n FROM {store.database}.{RAW[signal]}"
            f" WHERE {request.condition('received_at')}",
            params=request.params,
        )
        accounted = await store.value(
            f"SELECT sum(stored + accepted) AS n FROM {store.database}.ledger WHERE signal ="
            f" {{signal:String}} AND {request.condition('toDateTime64(minute, 3)')}",
            params=request.params | {"signal": signal.value},
        )
        total += found
        if accounted and not found:
            raise RecoveryError(
                f"the ledger knows of {signal.value} in that time, though there are no raw rows: "
                "their rollups are still there and would be doubled. Rebuild the store instead "
                "(seamark replay --rebuild --drop)"
            )
    if total and total != expected:
        raise RecoveryError(
            f"there are {total:,} raw rows in that time, and {expected:,} in the archive: "
            "--into fresh fills empty tables only. Say --into live to add what is missing, or "
            "rebuild the store (seamark replay --rebuild --drop)"
        )
    return bool(total)


async def bring_in(store: RecoveryStore, archive: Archive, path: str, *, is_known: bool) -> None:
    """One file: its rows, the ledger's of its footer, and its manifest's if it is not known."""
    file = await asyncio.to_thread(archive.local, path)
    try:
        footer = await asyncio.to_thread(footer_of, file)
        signal = hour_of(path).signal
        token = {"insert_deduplication_token": f"archive:{path}"}
        if footer.rows:
            await insert_file(
                store, f"{store.database}.{RAW[signal]}", file, settings=dict(FILE_SETTINGS) | token
            )
        if footer.ledger:
            await insert_ledger(store, list(footer.ledger), token=f"archive:{path}")
        if not is_known:
            entry = await entry_of(store, path, file, footer)
            await add_entries(store, [entry], token=f"archive:{path}")
            if not entry.stream and entry.counts:  # the view counts files from the log only
                await insert_ledger(store, archived(entry), token=f"archived:{path}")
    finally:
        archive.done(file)


async def insert_file(
    store: RecoveryStore, table: str, file: Path, *, settings: dict[str, str]
) -> None:
    """All rows of a Parquet file into a table of the same columns.

    An engine on this machine reads the file itself; a server is sent it, in as many pieces.
    """
    if store.local:
        await store.command(
            f"INSERT INTO {table} SELECT * FROM file({literal(str(file))}, 'Parquet',"
            f" {literal(await store.structure(table))})",
            settings=settings,
        )
    else:
        await store.insert(f"INSERT INTO {table} FORMAT Parquet", _pieces(file), settings=settings)


async def insert_ledger(store: RecoveryStore, rows: list[Mapping[str, Any]], *, token: str) -> None:
    """Add rows to the ledger, once per token."""
    columns = ", ".join(rows[0])
    await store.insert(
        f"INSERT INTO {store.database}.ledger ({columns}) FORMAT JSONEachRow",
        b"\n".join(map(msgspec.json.encode, rows)),
        settings={"insert_deduplication_token": token, "async_insert": "0"},
    )


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        while piece := await asyncio.to_thread(opened.read, _CHUNK_BYTES):
            yield piece
