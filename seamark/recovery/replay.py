"""`seamark replay`: from the archive or the log, into live tables or empty ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from processors.archive.layout import hour_of
from processors.blocks.decide import Wait
from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.dedup.index import IndexProgress
from processors.blocks.dedup.rewrite import dedup_block
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost
from processors.blocks.nats_frames import NatsMessage
from seamark.recovery import journal
from seamark.recovery.archive import Archive, in_range, listed_live, manifest_rows, open_archive
from seamark.recovery.fresh import FILE_SETTINGS, insert_file, replay_fresh
from seamark.recovery.live import Added, Staging, add_envelopes, add_rows, finish
from seamark.recovery.positions import bucket_of, open_log, paused
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.request import RecoveryRequest
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.store import RecoveryStore, open_store
from seamark.recovery.tables import RAW
from seamark.service.connections import LogSettings
from seamark.wire.frames import DUPLICATE_WINDOW_NS
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.positions import Position
from seamark.wire.signals import Signal, input_table, stream_name

_CHUNK_MESSAGES: Final = 5_000
_CHUNK_BYTES: Final = 8 * 1024 * 1024
_CHUNK_WEIGHT: Final = 48 * 1024 * 1024
_BUFFER_BYTES: Final = 16 * 1024 * 1024
_SPOOL: Final = timedelta(days=1)


async def fresh(stack: Stack, request: RecoveryRequest) -> int:
    """Archive → empty tables; returns the rows brought in. Raises RecoveryError."""
    archive = open_archive(stack)
    async with (
        open_log(stack.log) as client,
        open_store(stack.store, local=stack.folder is not None) as store,
    ):
        bucket = await bucket_of(client)
        async with paused(bucket, sinks=("archive",)):
            return await replay_fresh(store, bucket, archive, request)


async def live(stack: Stack, request: RecoveryRequest, *, source: str) -> Added:
    """Archive or log → live tables: what is missing, by receipt. Raises RecoveryError."""
    request.require_retained(datetime.now(UTC))
    async with (
        open_log(stack.log) as client,
        open_store(stack.store, local=stack.folder is not None) as store,
    ):
        bucket = await bucket_of(client)
        # Both are paused, so that what is on its way is not taken for missing.
        async with paused(bucket):
            await finish(store, bucket)
            if source == "archive":
                return await _from_archive(store, bucket, open_archive(stack), request)
            return await _from_log(store, bucket, client, stack.log, request)


async def _from_archive(
    store: RecoveryStore, bucket: KeyValue, archive: Archive, request: RecoveryRequest
) -> Added:
    """Hour by hour: the parts of a batch that was split are in the same hour."""
    rows = await manifest_rows(store) or await listed_live(archive)
    paths = in_range(rows, [signal.value for signal in request.signals], *request.hours)
    progress = RecoveryProgress("comparing the archive", "rows", sum(rows[path] for path in paths))
    total = Added()
    by_hour = sorted(paths, key=lambda path: (hour_of(path).number, hour_of(path).signal))
    for hour, group in groupby(by_hour, key=hour_of):
        staging = Staging(store, RAW[hour.signal])
        await staging.make()
        for path in group:
            if not rows[path]:
                continue
            file = await asyncio.to_thread(archive.local, path)
            await insert_file(store, staging.table, file, settings=dict(FILE_SETTINGS))
            archive.done(file)
            progress.add(rows[path])
        _add(total, await add_rows(store, bucket, hour.signal, staging, request))
        await staging.drop()
    progress.end()
    return total


async def _from_log(
    store: RecoveryStore,
    bucket: KeyValue,
    client: NatsClient,
    settings: LogSettings,
    request: RecoveryRequest,
) -> Added:
    log = JetStreamLog(client, settings, name="seamark replay")
    dedup = await asyncio.to_thread(DedupFolder)
    rebuilt = await journal.read(bucket, journal.Rebuilt)
    progress = RecoveryProgress("comparing the log", "messages")
    total = Added()
    try:
        for signal in request.signals:
            for partition in range(settings.partitions):
                stream = stream_name(signal, partition)
                try:
                    last = await _read_up_to(bucket, stream)
                except nats.js.errors.KeyNotFoundError:
                    continue  # rows has read nothing of it: nothing of it can be missing
                reading = _StreamReading(
                    store=store,
                    bucket=bucket,
                    log=log,
                    dedup=dedup,
                    signal=signal,
                    stream=stream,
                    request=request,
                    total=total,
                    progress=progress,
                    unaccounted=rebuilt.done.get(stream, 0) if rebuilt else 0,
                )
                await _one_stream(reading, last)
    except LogLost as error:
        raise RecoveryError(f"the log does not answer: {error}") from error
    finally:
        await asyncio.to_thread(dedup.close)
    progress.end()
    return total


async def _read_up_to(bucket: KeyValue, stream: str) -> int:
    """Up to where rows has read: what comes after is not missing, it is yet to come."""
    entry = await bucket.get(f"rows.{stream}")
    return msgspec.json.decode(entry.value or b"", type=Position).done


@dataclass(frozen=True, slots=True)
class _StreamReading:
    """What reading one stream needs. Up to sequence `unaccounted` there may be no receipts."""

    store: RecoveryStore
    bucket: KeyValue
    log: JetStreamLog
    dedup: DedupFolder
    signal: Signal
    stream: str
    request: RecoveryRequest
    total: Added
    progress: RecoveryProgress
    unaccounted: int

    async def compare(self, messages: Sequence[NatsMessage], done: int) -> None:
        """One chunk: duplicates out as rows takes them out, then what is missing in."""
        end = messages[-1].sequence
        index = self.dedup.of(self.stream)
        position = Position(done, end, f"{self.stream}:{done + 1}-{end}:{messages[0].stored_ns}")
        deduped = await asyncio.to_thread(
            dedup_block, index, messages, signal=self.signal, position=position
        )
        begin_ns = int(self.request.begin.timestamp() * 1e9)
        self.progress.add(len(messages))
        if messages[-1].stored_ns < begin_ns:
            return  # read for what it says of duplicates only
        staging = Staging(self.store, input_table(self.signal))
        await staging.make()
        await self.store.insert(
            f"INSERT INTO {staging.table} FORMAT Protobuf",
            b"".join(message.payload for message in deduped.messages),
            settings=dict(INSERT_SETTINGS),
            headers={"Content-Encoding": "zstd"},
        )
        _add(
            self.total,
            await add_envelopes(
                self.store,
                self.bucket,
                self.signal,
                staging,
                self.request,
                accounted=messages[0].sequence > self.unaccounted,
            ),
        )
        await staging.drop()


async def _one_stream(reading: _StreamReading, last: int) -> None:
    """Everything from a window before the range to where rows stands, or well after the range."""
    begin_ns = int(reading.request.begin.timestamp() * 1e9)
    end_ns = int((reading.request.end + _SPOOL).timestamp() * 1e9)
    since_ns = begin_ns - DUPLICATE_WINDOW_NS
    reader = await reading.log.open(
        reading.stream, after=0, buffer_bytes=_BUFFER_BYTES, since_ns=since_ns
    )
    index = reading.dedup.of(reading.stream)
    done = -1
    try:
        while not (reader.complete and not reader.buffer):
            await reader.more(Wait(messages=_CHUNK_MESSAGES, bytes=_CHUNK_BYTES, until=_soon()))
            if not reader.buffer:
                continue
            accounted = reader.buffer[0].sequence > reading.unaccounted
            chunk = cut_chunk(reader.buffer, last if accounted else min(last, reading.unaccounted))
            if not chunk:
                return  # all that rows has read
            if done < 0:
                done = chunk[0].sequence - 1
                begun = IndexProgress(through=done, since_ns=since_ns, last=0, last_ns=0)
                await asyncio.to_thread(index.begin, begun)
            await reading.compare(chunk, done)
            done = chunk[-1].sequence
            reader.drop(len(chunk))
            if chunk[-1].stored_ns > end_ns:
                return
    finally:
        reader.close()


def _soon() -> float:
    return asyncio.get_running_loop().time() + 0.2


def cut_chunk(buffer: Sequence[NatsMessage], last: int) -> list[NatsMessage]:
    """The next chunk: what rows has read of the buffer, as much as one insert may hold."""
    chunk: list[NatsMessage] = []
    size = weight = 0
    for message in buffer[:_CHUNK_MESSAGES]:
        size += len(message.payload)
        weight += message.weight
        if message.sequence > last or (chunk and (size > _CHUNK_BYTES or weight > _CHUNK_WEIGHT)):
            break
        chunk.append(message)
    return chunk


def _add(total: Added, one: Added) -> None:
    total.found += one.found
    total.added += one.added
    total.left += one.left
