"""`seamark repair`: fills in what the store has lost, partition by partition, from log or archive.

    what is lost → where it can come from → pause → a shadow database → swap partitions → marked

The store says what it lost (`damaged_parts`). For each signal concerned the log is read again if it
reaches back far enough, else the archive and behind it the log; what comes of it is exact, because
it goes through the same dedup, tables and views. Killed in the middle, it is run again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.recovery.archive import open_archive
from seamark.recovery.entries import rebuild_manifest
from seamark.recovery.lost import (
    FORGOTTEN,
    MANIFEST,
    LostPartition,
    Source,
    gathered,
    left,
    needed_since,
    source_of,
)
from seamark.recovery.positions import bucket_of, open_log, paused, read_records
from seamark.recovery.repaired import Repair, RepairedPartition
from seamark.recovery.shadow import Shadow, shadow_of
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.statements import statement_of
from seamark.recovery.store import RecoveryStore, open_store
from seamark.wire.signals import Signal, stream_name

_DUPLICATES: Final = timedelta(days=1)
_CATCH_UP_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.2


async def repair(stack: Stack, *, dry_run: bool = False) -> Repair:
    """Fill in everything that the store says it lost. Raises RecoveryError."""
    done = Repair(dry_run=dry_run)
    async with (
        open_log(stack.log) as client,
        open_store(stack.store, local=stack.folder is not None) as store,
    ):
        lost = await _lost(store)
        sources = await _sources(stack, client, store, lost)
        can: list[LostPartition] = []
        for one in lost:
            source = source_of(one, sources)
            if why := left(one, source):
                done.left.append(why)
                continue
            can.append(one)
            done.partitions.append(
                RepairedPartition(
                    table=one.table, partition=one.partition, lost=one.rows, source=source
                )
            )
        if not dry_run and can:
            await _carry_out(stack, client, store, can, sources)
            done.partitions = [
                msgspec.structs.replace(one, rows=await _rows_of(store, one))
                for one in done.partitions
            ]
    return done


async def _lost(store: RecoveryStore) -> list[LostPartition]:
    rows = await store.rows(statement_of("lost_parts", database=store.database))
    return gathered((row["table"], row["partition"], row["rows"]) for row in rows)


async def _sources(
    stack: Stack, client: NatsClient, store: RecoveryStore, lost: Sequence[LostPartition]
) -> dict[Signal, Source]:
    """The log, where it has all that is needed of a signal, and of a day of duplicates before."""
    sources: dict[Signal, Source] = {}
    for signal in Signal:
        since = needed_since(lost, signal)
        if since is None:
            if any(signal in one.signals for one in lost):
                sources[signal] = "log"
            continue
        oldest = await store.value(
            statement_of("oldest_archived", database=store.database), params={"s": signal.value}
        )
        whole = [
            await _reaches(client, stream_name(signal, partition), since - _DUPLICATES, oldest)
            for partition in range(stack.log.partitions)
        ]
        sources[signal] = "log" if all(whole) else "archive"
    return sources


async def _reaches(client: NatsClient, stream: str, since: datetime, oldest: int) -> bool:
    """Whether a stream holds everything from then on: long enough, or all there ever was.

    `oldest`: when the oldest archived row was received (s, 0 for none). A stream that is younger
    was made anew, and its first message is not the first there was.
    """
    js = client.jetstream(timeout=10)
    try:
        info = await js.stream_info(stream)
        state = info.state
        made_anew = 0 < oldest < (info.created.timestamp() if info.created else 0)
        whole = state.messages == (state.last_seq - state.first_seq + 1 if state.last_seq else 0)
        if not whole or not state.messages:
            return state.last_seq == 0 and not made_anew
        if state.first_seq == 1 and not made_anew:
            return True
        first = await js.get_msg(stream, state.first_seq)
    except nats.js.errors.NotFoundError:
        return False
    return first.time is not None and first.time <= since


async def _carry_out(
    stack: Stack,
    client: NatsClient,
    store: RecoveryStore,
    lost: Sequence[LostPartition],
    sources: Mapping[Signal, Source],
) -> None:
    bucket = await bucket_of(client)
    async with AsyncExitStack() as pauses:
        archived = [signal for signal, source in sources.items() if source == "archive"]
        await pauses.enter_async_context(paused(bucket, sinks=("archive",)))
        if archived:  # what the archive has is taken from there: rows must not be behind it
            await _caught_up(bucket)
        await pauses.enter_async_context(paused(bucket, sinks=("rows",)))
        if any(one.table == MANIFEST for one in lost):
            await rebuild_manifest(store, open_archive(stack))
        tables = [one for one in lost if one.table != MANIFEST and one.table not in FORGOTTEN]
        if tables:
            async with shadow_of(stack, store) as shadow:
                await _fill(shadow, stack, client, bucket, tables, sources)
                for one in tables:
                    await shadow.swap(one)
                    await _mark(store, one)
        for one in lost:
            if one not in tables:
                await _mark(store, one)


async def _caught_up(bucket: KeyValue) -> None:
    """Wait until rows has read all that the archive has. Raises RecoveryError."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _CATCH_UP_SECONDS
    while True:
        done: dict[str, dict[str, int]] = {}
        for record in await read_records(bucket):
            done.setdefault(record.stream, {})[record.sink] = record.position.done
        behind = [s for s, at in done.items() if at.get("rows", 0) < at.get("archive", 0)]
        if not behind:
            return
        if loop.time() > until:
            raise RecoveryError(
                f"rows is behind the archive in {', '.join(behind)} for {_CATCH_UP_SECONDS:g} s: "
                "does it run, and does the store take its blocks? (its /readyz tells)"
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _fill(
    shadow: Shadow,
    stack: Stack,
    client: NatsClient,
    bucket: KeyValue,
    lost: Sequence[LostPartition],
    sources: Mapping[Signal, Source],
) -> None:
    for signal, source in sources.items():
        since = needed_since(lost, signal) or datetime.now(UTC) - _DUPLICATES
        after = ""
        if source == "archive":
            await shadow.fill_from_archive(open_archive(stack), [signal], since)
            after = "archive"
        await shadow.fill_from_log(stack, client, bucket, signal, since=since, after=after)
    if any(one.table == "ledger" for one in lost):
        await shadow.add_archived()


async def _mark(store: RecoveryStore, one: LostPartition) -> None:
    """It is whole again; and what was put aside of it is not needed any more."""
    params = {"param_t": one.table, "param_p": one.partition}
    mark = statement_of("mark_repaired", database=store.database)
    await store.command(mark, settings=params)
    for row in await store.rows(
        "SELECT name FROM system.detached_parts WHERE database = {d:String} AND table = {t:String}"
        " AND partition_id = {p:String}",
        params={"d": store.database, "t": one.table, "p": one.partition_id},
    ):
        await store.command(
            f"ALTER TABLE {store.database}.{one.table} DROP DETACHED PART '{row['name']}'",
            settings={"allow_drop_detached": "1"},
        )


async def _rows_of(store: RecoveryStore, one: RepairedPartition) -> int:
    found = await store.value(
        "SELECT sum(rows) AS n FROM system.parts WHERE active AND database = {d:String}"
        " AND table = {t:String} AND partition = {p:String}",
        params={"d": store.database, "t": one.table, "p": one.partition},
    )
    return int(found)
