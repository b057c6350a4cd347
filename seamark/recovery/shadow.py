"""A second database beside the store's, filled as the first was; partitions are swapped out of it.

It has the same tables and views, so what comes in from the log or the archive becomes the same raw
rows, rollups and ledger. A partition that is complete in it replaces the damaged one in one step.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import msgspec
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from processors.blocks.decide import FRAME_TRIES, Wait
from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.dedup.index import IndexProgress
from processors.blocks.delivery import Delivery
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.sink import SinkRejected, SinkUnavailable
from processors.rows.store import StoreSink
from provisioning.clickhouse.variant import Variant
from provisioning.settings import ProvisionSettings
from provisioning.tables import TablesFailed, bring_up_to_date
from seamark.recovery.archive import Archive, in_range, listed_live, manifest_rows
from seamark.recovery.fresh import bring_in
from seamark.recovery.lost import LostPartition
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.replay import cut_chunk
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.statements import statement_of
from seamark.recovery.store import RecoveryStore
from seamark.service.settings import load
from seamark.wire.frames import DUPLICATE_WINDOW_NS
from seamark.wire.positions import Position, position_key, token_of
from seamark.wire.signals import Signal, stream_name

_BUFFER_BYTES: Final = 16 * 1024 * 1024
_TRIES: Final = 3
_INSERT_SECONDS: Final = 300.0


class _NoDeadLetters:
    """What the sink refused is among the dead letters already."""

    async def dead_letter(
        self, sink: str, stream: str, message: NatsMessage, *, frame: int, reason: str
    ) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """The database, and the store that it is in. `store`: of the shadow; `live`: the real one."""

    store: RecoveryStore
    live: RecoveryStore

    async def fill_from_log(
        self,
        stack: Stack,
        client: NatsClient,
        bucket: KeyValue,
        signal: Signal,
        *,
        since: datetime,
        after: str = "",
    ) -> int:
        """Everything of a signal that rows has read and that was received since, as rows would.

        `after`: a sink; only what it has not read. Returns the messages read. Raises RecoveryError.
        """
        seen = await asyncio.to_thread(DedupFolder)
        log = JetStreamLog(client, stack.log, name="seamark repair")
        progress = RecoveryProgress(f"reading {signal.value} of the log", "messages")
        try:
            for partition in range(stack.log.partitions):
                stream = stream_name(signal, partition)
                last = await _position(bucket, "rows", stream)
                if last is None:
                    continue
                begin = (await _position(bucket, after, stream) or 0) if after else 0
                reading = _Reading(self.store, log, seen, signal, stream, progress)
                await reading.carry(since, begin, last)
        except (LogLost, StreamMissing) as error:
            raise RecoveryError(f"the log does not answer: {error}") from error
        finally:
            await asyncio.to_thread(seen.close)
        progress.end()
        return progress.done

    async def fill_from_archive(
        self, archive: Archive, signals: Sequence[Signal], since: datetime
    ) -> int:
        """Every file of the signals from that hour on; returns the rows."""
        rows = await manifest_rows(self.live) or await listed_live(archive)
        first, end = int(since.timestamp()) // 3600, int(datetime.now(UTC).timestamp()) // 3600 + 2
        paths = in_range(rows, [signal.value for signal in signals], first, end)
        total = sum(rows[path] for path in paths)
        progress = RecoveryProgress("reading the archive", "rows", total)
        for path in paths:
            await bring_in(self.store, archive, path, is_known=True)
            progress.add(rows[path])
        progress.end()
        return total

    async def add_archived(self) -> None:
        """What the manifest says is archived, in the shadow's ledger."""
        await self.live.command(
            statement_of("shadow_archived", database=self.live.database, shadow=self.store.database)
        )

    async def swap(self, one: LostPartition) -> None:
        """Put the shadow's partition in the place of the damaged one."""
        await self.live.command(
            f"ALTER TABLE {self.live.database}.{one.table} REPLACE PARTITION ID"
            f" '{one.partition_id}' FROM {self.store.database}.{one.table}"
        )


@asynccontextmanager
async def shadow_of(stack: Stack, live: RecoveryStore) -> AsyncIterator[Shadow]:
    """An empty one, for as long as the context lasts."""
    settings = replace(stack.store, database=f"{stack.store.database}_repair")
    drop = f"DROP DATABASE IF EXISTS {settings.database} SYNC"
    await live.command(drop)
    own = load(ProvisionSettings, prefix="SEAMARK_PROVISION", environ=stack.environ)
    try:
        await asyncio.to_thread(
            bring_up_to_date,
            settings,
            variant=Variant(own.store_variant),
            cluster=own.store_cluster,
        )
        yield Shadow(RecoveryStore(live.session, settings, local=live.local), live)
    except TablesFailed as error:
        raise RecoveryError(f"the tables cannot be made: {error}") from error
    finally:
        await live.command(drop)


async def _position(bucket: KeyValue, sink: str, stream: str) -> int | None:
    try:
        entry = await bucket.get(position_key(sink, stream))
    except nats.js.errors.KeyNotFoundError:
        return None
    return msgspec.json.decode(entry.value or b"", type=Position).done


@dataclass(frozen=True, slots=True)
class _Reading:
    """One stream on its way into the shadow."""

    store: RecoveryStore
    log: JetStreamLog
    seen: DedupFolder
    signal: Signal
    stream: str
    progress: RecoveryProgress

    async def carry(self, since: datetime, after: int, last: int) -> None:
        """From a day of duplicates before `since` up to `last`; nothing is kept up to `after`."""
        since_ns = max(int(since.timestamp() * 1e9), DUPLICATE_WINDOW_NS + 10**9)
        read_ns = since_ns - DUPLICATE_WINDOW_NS
        index = self.seen.of(self.stream)
        sink = StoreSink(self.store.session, self.store.settings, timeout_seconds=_INSERT_SECONDS)
        delivery = Delivery(
            self.signal,
            self.stream,
            sink=sink,
            dead_letter_queue=_NoDeadLetters(),
            index=index,
            stop=asyncio.Event(),
        )
        reader = await self.log.open(
            self.stream, after=0, buffer_bytes=_BUFFER_BYTES, since_ns=read_ns
        )
        done = -1
        try:
            while not (reader.complete and not reader.buffer):
                until = asyncio.get_running_loop().time() + 0.2
                await reader.more(Wait(messages=5_000, bytes=8 * 1024 * 1024, until=until))
                if not reader.buffer:
                    continue
                first = reader.buffer[0].sequence
                chunk = cut_chunk(reader.buffer, min(last, after) if first <= after else last)
                if not chunk:
                    return
                if done < 0:
                    done = first - 1
                    begun = IndexProgress(through=done, since_ns=read_ns, last=0, last_ns=0)
                    await asyncio.to_thread(index.begin, begun)
                keep = chunk[-1].sequence > after and chunk[-1].stored_ns >= since_ns
                await self._one(delivery, chunk, done, keep=keep)
                done = chunk[-1].sequence
                reader.drop(len(chunk))
                self.progress.add(len(chunk))
        finally:
            reader.close()

    async def _one(
        self, delivery: Delivery, chunk: Sequence[NatsMessage], done: int, *, keep: bool
    ) -> None:
        token = token_of(
            self.stream, done=done, end=chunk[-1].sequence, first_ns=chunk[0].stored_ns
        )
        position = Position(done, chunk[-1].sequence, token)
        deduped = await delivery.dedup(position, chunk)
        if keep:
            await self._write(delivery, position, deduped.messages)

    async def _write(
        self, delivery: Delivery, position: Position, messages: Sequence[NatsMessage]
    ) -> None:
        """As a block is: halved where the store refuses it, down to frames, which are counted."""
        if await _taken(delivery, position.token, messages):
            return
        if len(messages) == 1:
            bad = await _offered(delivery, position.token, messages[0])
            await delivery.dead_letter(replace(position, frames=tuple(bad)), messages[0])
            return
        half = len(messages) // 2
        for some in (messages[:half], messages[half:]):
            token = f"{position.token}~{some[0].sequence}"
            await self._write(delivery, replace(position, token=token), some)


async def _taken(delivery: Delivery, token: str, messages: Sequence[NatsMessage]) -> bool:
    """Whether the block went in; False: it is refused, and nothing of it is there."""
    for attempt in range(_TRIES):
        try:
            await delivery.write(token, messages)
        except SinkRejected:
            return False
        except SinkUnavailable as error:
            if error.reason.away:
                raise RecoveryError(f"the store does not take a block: {error}") from error
            if attempt == _TRIES - 1 and not await delivery.untouched():
                raise RecoveryError(f"the store took a block in part: {error}") from error
        else:
            return True
    return False


async def _offered(delivery: Delivery, token: str, message: NatsMessage) -> list[int]:
    """The frames of a message that are refused; the others are in."""
    for _ in range(FRAME_TRIES):
        try:
            return await delivery.offer(token, message)
        except SinkUnavailable as error:
            failure = error
    raise RecoveryError(f"the store does not take a message: {failure}") from failure
