"""`seamark restore`: a data folder from a backup, to be started with `seamark up`.

The store and its positions come from the backup. What the log held behind those positions is read
again by the sinks when the stack starts: under other tokens, into a store that has none of it.

With the surviving log (a `nats` folder that is already in the data folder), nothing is lost.
Without it, new streams begin where no sequence of the old log can have been, and the positions with
them: neither a token nor a file's name can ever meet one of the log that is gone, and no sink takes
the new log for one that regressed. What the old log held behind the backup is then lost.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from provisioning.jetstream.layout import changes
from seamark.recovery.archive import Archive, open_archive
from seamark.recovery.backup import linked, raw_rows
from seamark.recovery.entries import rebuild_manifest
from seamark.recovery.positions import bucket_of, entries, open_log, read_records
from seamark.recovery.servers import nats_server, store_server
from seamark.recovery.snapshot import BackupManifest, Snapshot, chain, choose
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.store import open_store
from seamark.service.connections import LogSettings, StoreSettings
from seamark.service.settings import load
from seamark.standalone.folder import Folder, write
from seamark.standalone.parts import Choices, wiring
from seamark.standalone.store.folder import StoreFolder
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.log_state import LogRegressed, LogState, check_log
from seamark.wire.positions import Position

EPOCH: Final = 1_000_000_000
"""New streams begin at a multiple of it: no old log comes so far within one life."""
_MARK: Final = "restore.json"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, for the person. `notes`: sentences worth reading."""

    snapshot: Snapshot
    rows: int
    seconds: float
    notes: tuple[str, ...]


async def restore(given: Path, data: Path, *, without_log: bool) -> Restored:
    """Bring the newest backup in `given` (or that one) into the stopped folder `data`, absolute.

    Raises RecoveryError, SettingsError. Killed in the middle, it is simply run again.
    """
    began = time.monotonic()
    snapshot = choose(given)
    before = chain(snapshot)
    folder = Folder(data)
    _check(folder, snapshot, without_log=without_log)
    folder.create()
    lock = folder.lock(host="", port_offset=0, patience_seconds=0)
    try:
        mark = folder.path / _MARK
        again = mark.exists()
        write(mark, json.dumps({"from": str(snapshot.path), "without_log": without_log}))
        if without_log and again:
            _empty(folder.part("nats"))
        notes = await _restore_store(folder, before)
        notes += await _restore_log(folder, snapshot, without_log=without_log)
        if snapshot.credentials.exists() and not folder.credentials.exists():
            write(folder.credentials, snapshot.credentials.read_text("utf-8"))
        _put_in_place(folder)
        mark.unlink()
    finally:
        os.close(lock)
    rows = sum(snapshot.manifest().rows.values())
    return Restored(snapshot, rows, time.monotonic() - began, tuple(notes))


def _check(folder: Folder, snapshot: Snapshot, *, without_log: bool) -> None:
    """Raises RecoveryError when the folder is not fit for it."""
    if holder := folder.holder():
        raise RecoveryError(
            f"{folder.path} is in use by process {holder.pid}: stop it with "
            f"`seamark stop --data {folder.path}`"
        )
    engine = StoreFolder(folder.part("store")).engine
    if engine.exists() and any(engine.iterdir()):
        raise RecoveryError(
            f"{folder.path} already holds a store: name a new folder, or move "
            f"{folder.part('store')} away"
        )
    mark = folder.path / _MARK
    if mark.exists():
        begun = json.loads(mark.read_bytes())
        if begun != {"from": str(snapshot.path), "without_log": without_log}:
            raise RecoveryError(
                f"another restore into {folder.path} was begun and not finished ({begun}): "
                "run that one again, or name a new folder"
            )
        return
    log = (folder.part("nats") / "jetstream").exists()
    if not log and not without_log:
        raise RecoveryError(
            f"there is no log in {folder.path}. If the old one survives, move it there first "
            f"(`mv OLD/nats {folder.path}/`, and OLD/spool, OLD/archive if there are any); "
            "if it is lost, say --without-log: what came after the backup is then lost"
        )
    if log and without_log:
        raise RecoveryError(
            f"--without-log, but {folder.part('nats')} holds a log: move it away, or leave "
            "--without-log out, and nothing that it holds is lost"
        )


async def _restore_store(folder: Folder, snapshots: list[Snapshot]) -> list[str]:
    """The backup into `store.restoring`; what an earlier try left there goes first."""
    path = _restoring(folder)
    shutil.rmtree(path, ignore_errors=True)
    snapshot, manifest = snapshots[0], snapshots[0].manifest()
    backups = StoreFolder(path).backups
    backups.mkdir(mode=0o700, parents=True)
    with linked(backups, snapshots):
        async with (
            store_server(folder, path) as settings,
            open_store(settings, local=True) as store,
        ):
            base = f" SETTINGS base_backup = File('{snapshots[1].name}')" if manifest.base else ""
            await store.command(
                f"RESTORE DATABASE {manifest.database} FROM File('{snapshot.name}'){base}"
            )
            store.database = manifest.database
            rows = await raw_rows(store)
            archive = _archive(folder)
            if archive is not None:
                await rebuild_manifest(store, archive)
    return [
        f"{table} has {rows.get(table, 0):,} rows, the backup had {count:,}: retention has dropped "
        "the oldest, or the backup is damaged"
        for table, count in manifest.rows.items()
        if rows.get(table, 0) != count
    ]


def _archive(folder: Folder) -> Archive | None:
    """The archive that survives: in the data folder, or where SEAMARK_ARCHIVE_URL says."""
    wired = wiring(Choices(folder), folder.secrets(), environ=os.environ)["archive"]
    stack = Stack(LogSettings(), StoreSettings(), folder, {**os.environ, **wired})
    if "SEAMARK_ARCHIVE_URL" not in os.environ and not folder.part("archive").exists():
        return None
    return open_archive(stack)


async def _restore_log(folder: Folder, snapshot: Snapshot, *, without_log: bool) -> list[str]:
    manifest = snapshot.manifest()
    wired = wiring(Choices(folder), folder.secrets(), environ=os.environ)["provisioning"]
    shape = load(LogSettings, prefix="SEAMARK_LOG", environ={**os.environ, **wired})
    async with nats_server(folder) as settings, open_log(settings) as client:
        if without_log:
            positions = {k: _moved(k, manifest.positions) for k in manifest.positions}
            await _new_streams(client, shape, positions)
            notes = ["what came after the backup was in the old log and is lost"]
            if _archive(folder) is not None:
                notes = [
                    "what came after the backup is brought back from the archive, as far as it "
                    "had come, by `seamark replay --source archive --into live "
                    f"--from {_stamp(manifest)}`"
                ]
        else:
            positions = manifest.positions
            notes = await _check_log(client, manifest)
            if _archive(folder) is not None:  # it stands where its own records say, not the backup
                records = await read_records(await bucket_of(client))
                ours = {r.key: r.position for r in records if r.sink == "archive"}
                positions = {k: p for k, p in positions.items() if k not in ours} | ours
        await _put_config(await bucket_of(client, CONFIG_BUCKET), snapshot.config())
        await _put_positions(await bucket_of(client), positions)
    return notes


def _stamp(manifest: BackupManifest) -> str:
    """A day before the backup, in case requests were on their way for long."""
    when = datetime.fromtimestamp(manifest.taken_at_ms / 1000, UTC) - timedelta(days=1)
    return f"{when:%Y-%m-%dT%H:00:00Z}"


def _moved(key: str, positions: Mapping[str, Position]) -> Position:
    """Where a sink stands in a new stream: right before its first message."""
    stream = key.partition(".")[2]
    last = max(p.end for name, p in positions.items() if name.endswith(f".{stream}"))
    before = (last // EPOCH + 1) * EPOCH
    return Position(before, before)


async def _new_streams(
    client: NatsClient, shape: LogSettings, positions: Mapping[str, Position]
) -> None:
    """Streams and buckets as provisioning makes them, each stream behind its positions."""
    js = client.jetstream(timeout=10)
    first = {key.partition(".")[2]: position.end + 1 for key, position in positions.items()}
    for change in changes([], shape):
        config = change.config
        if config.name in first:
            config = config.evolve(first_seq=first[config.name])
        await js.add_stream(config)


async def _check_log(client: NatsClient, manifest: BackupManifest) -> list[str]:
    """Whether the log can be the one the positions were taken from. Raises RecoveryError."""
    js = client.jetstream(timeout=10)
    notes = []
    for key, position in sorted(manifest.positions.items()):
        stream = key.partition(".")[2]
        try:
            info = await js.stream_info(stream)
        except nats.js.errors.NotFoundError as error:
            raise RecoveryError(
                f"the log here has no stream {stream}, of which {key} had read {position.end} "
                "messages: it is another log; say --without-log to begin with a new one"
            ) from error
        created_ns = int(info.created.timestamp() * 1e9) if info.created else 0
        state = LogState(info.state.first_seq, info.state.last_seq, created_ns)
        try:
            check_log(position, state)
        except LogRegressed as error:
            raise RecoveryError(
                f"{stream}: {error}; this log is older than the backup, or another one. Move "
                "it away and say --without-log to begin with a new one"
            ) from error
        if state.first > position.end + 1 and state.last > position.end:
            notes.append(
                f"{stream}: messages {position.end + 1} to {state.first - 1} are no longer in the "
                f"log, {key} cannot read them again (seamark replay --source archive can)"
            )
    return notes


async def _put_config(bucket: KeyValue, records: Mapping[str, bytes]) -> None:
    """Add what the bucket never had: where it survived, it is the newer truth."""
    for key, value in records.items():
        try:
            await bucket.get(key)
        except nats.js.errors.KeyNotFoundError as error:
            if error.op is None:
                await bucket.put(key, value)


async def _put_positions(bucket: KeyValue, positions: Mapping[str, Position]) -> None:
    """The backup's positions; a stream that is younger than it is read from its beginning."""
    for record in await read_records(bucket):
        if record.key not in positions:
            await bucket.delete(record.key)
    for key in await entries(bucket):
        if key.startswith("pause."):
            await bucket.delete(key)
    for key, position in positions.items():
        await bucket.put(key, msgspec.json.encode(position))


def _put_in_place(folder: Folder) -> None:
    """The restored store becomes the folder's; indexes of the log that are there are made anew."""
    store = folder.part("store")
    shutil.rmtree(store)
    os.replace(_restoring(folder), store)


def _restoring(folder: Folder) -> Path:
    return folder.path / "store.restoring"


def _empty(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
