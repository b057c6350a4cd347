"""`seamark verify`: counts the same things in every place they are kept. Reads only."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient

from seamark.recovery.accounts import Account, Key, RollupKey, differences
from seamark.recovery.archive import has_manifest, open_archive
from seamark.recovery.damage import (
    StreamState,
    log_damage,
    read_streams,
    spool_damage,
    store_damage,
)
from seamark.recovery.deep import check_files
from seamark.recovery.positions import PositionRecord, bucket_of, open_log, read_records
from seamark.recovery.progress import RecoveryProgress
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.statements import statement_of, statements_of
from seamark.recovery.store import RecoveryStore, open_store
from seamark.recovery.tables import RAW, RAW_RETENTION_DAYS, ROLLUPS, Rollup
from seamark.wire.positions import position_key
from seamark.wire.signals import Signal

SETTLING: Final = timedelta(minutes=1)
"""Between the time a request is received by the collector's clock, and stored by the log's."""
_COUNTS: Final = (
    *("offered", "accepted", "rejected", "sampled", "limited"),
    *("duplicate", "dead_lettered", "stored", "archived"),
)
"""What a line takes from the ledger."""
WAIT_SECONDS: Final = 120.0
"""For the sinks to read what the log held when this began; the archive writes every minute."""
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Range:
    """[begin, end) by receipt: from a whole hour to a whole minute; `app` "" for all.

    `over`: hours and days that begin before it, and end by it, can be compared by event time.
    """

    begin: datetime
    end: datetime
    app: str
    over: datetime

    @property
    def params(self) -> dict[str, object]:
        """For the queries."""
        return {"a": int(self.begin.timestamp()), "b": int(self.end.timestamp()), "app": self.app}


def range_of(begin: datetime | None, end: datetime | None, app: str, now: datetime) -> Range:
    """The range that is meant, within what raw rows are kept of. Raises RecoveryError.

    An `end` that is not before `now` says that nothing comes any more: the running minute counts.
    Else, what has not had the time to settle is left out.
    """
    oldest = _day(now - timedelta(days=RAW_RETENTION_DAYS - 1))
    begin = _hour(max(begin or oldest, oldest))
    over = now
    if end is not None and end >= now:
        over = _day(now) + timedelta(days=1)
        end = _minute(now) + timedelta(minutes=1)
    else:
        end = _minute(min(end or now, now - SETTLING))
    if begin >= end:
        raise RecoveryError(
            f"there is nothing between {begin:%Y-%m-%dT%H:%MZ} and {end:%Y-%m-%dT%H:%MZ}: raw rows "
            f"are kept for {RAW_RETENTION_DAYS} days, and without --to the last minute is left out"
        )
    return Range(begin, end, app, over)


async def verify(
    stack: Stack, within: Range, *, deep: bool = False, wait_seconds: float = WAIT_SECONDS
) -> Account:
    """Count everything in the range; `deep` reads the archive's files as well.

    First the sinks get time to read what the log holds now: a stack that is used, be it by its own
    telemetry alone, always has something on its way. A block is written table after table, so what
    differs is looked at again before it counts. Raises RecoveryError.
    """
    async with open_store(stack.store) as store, open_log(stack.log) as client:
        account = Account()
        bucket = await bucket_of(client)
        records = await read_records(bucket)
        streams = await read_streams(client)
        account.damaged += log_damage(streams, records) + spool_damage(stack)
        until = asyncio.get_running_loop().time() + wait_seconds
        while behind := _behind(streams, records):
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(_LOOK_SECONDS / 2)
            records = await read_records(bucket)
        await _under_way(account, client, behind, within)
        archived = any(record.sink == "archive" for record in records) or await has_manifest(store)
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_LOOK_SECONDS)
                account.lines.clear()
                account.rollups.clear()
            await _count_lines(account, store, within, archived=archived)
            for signal, rollups in ROLLUPS.items():
                for rollup in rollups:
                    await _count_rollup(account, store, within, signal, rollup)
            if not differences(account):
                break
        account.damaged += await store_damage(store)
        if deep and archived:
            account.damaged += await check_files(
                store, open_archive(stack), within.begin, within.end
            )
    return account


def _behind(
    streams: Sequence[StreamState], records: Sequence[PositionRecord]
) -> list[tuple[str, StreamState, int]]:
    """Sink, stream and how far it has read, where that is not as far as the stream went."""
    positions = {record.key: record.position.done for record in records}
    sinks = sorted({"rows"} | {record.sink for record in records})
    found = []
    for stream in streams:
        for sink in sinks:
            done = max(positions.get(position_key(sink, stream.name), 0), stream.first - 1)
            if done < stream.last:
                found.append((sink, stream, done))
    return found


async def _under_way(
    account: Account,
    client: NatsClient,
    behind: Sequence[tuple[str, StreamState, int]],
    within: Range,
) -> None:
    """Which sinks have yet to read messages that were stored before the end of the range."""
    for sink, stream, done in behind:
        stored = await _stored_at(client, stream.name, done + 1, stream.subject)
        if stored < within.end + SETTLING:
            account.under_way.append(
                f"{sink} has {stream.last - done} messages of {stream.name} still to read"
            )
            account.archive_under_way |= sink == "archive"


async def _stored_at(client: NatsClient, stream: str, sequence: int, on: str) -> datetime:
    """The log's time of the first message from `sequence` on."""
    try:
        found = await client.jetstream(timeout=10).get_msg(stream, sequence, on, next=True)
    except nats.js.errors.NotFoundError:
        return datetime.max.replace(tzinfo=UTC)
    except (nats.errors.Error, OSError) as error:
        raise RecoveryError(f"the log does not answer: {error!r}") from error
    return found.time or datetime.min.replace(tzinfo=UTC)


async def _count_lines(
    account: Account, store: RecoveryStore, within: Range, *, archived: bool
) -> None:
    params = within.params
    only = "AND app = {app:String}" if within.app else ""
    days = range(0, int((within.end - within.begin).total_seconds()), 86400)
    progress = RecoveryProgress("counting", "days", len(days))
    for at in days:
        day = params | {
            "a": int(within.begin.timestamp()) + at,
            "b": min(int(within.begin.timestamp()) + at + 86400, int(within.end.timestamp())),
        }
        for signal, table in RAW.items():
            sql = statement_of("count_rows", database=store.database, table=table, only=only)
            for row in await store.rows(sql, params=day):
                account.line(_key(signal.value, row)).raw = row["n"]
        progress.add(1)
    in_ledger, in_files = statements_of("count", database=store.database, only=only)
    for row in await store.rows(in_ledger, params=params):
        line = account.line(_key(row["signal"], row))
        for name in _COUNTS:
            setattr(line, name, row[name])
    if archived:
        for line in account.lines.values():
            line.files = 0
        for row in await store.rows(in_files, params=params):
            account.line(_key(row["signal"], row)).files = row["n"]


async def _count_rollup(
    account: Account, store: RecoveryStore, within: Range, signal: Signal, rollup: Rollup
) -> None:
    """By event time, as the views see it: a row counts where its rollup counts it."""
    step = rollup.step_seconds
    begin = int(within.begin.timestamp()) // step * step
    over = int(within.over.timestamp()) // step * step
    end = min(-(-int(within.end.timestamp()) // step) * step, over)
    only = "AND app = {app:String}" if within.app else ""
    params = within.params | {"a": begin, "b": end}
    counted: dict[RollupKey, list[int]] = {}
    places = (
        (RAW[signal], rollup.second, rollup.raw),
        (rollup.table, rollup.own_second, rollup.rows),
    )
    for index, (table, second, what) in enumerate(places):
        sql = statement_of(
            "count_buckets",
            database=store.database,
            table=table,
            second=second,
            step=str(step),
            what=what,
            only=only,
        )
        for row in await store.rows(sql, params=params):
            key = RollupKey(signal, rollup.table, row["org"], row["app"], row["begin"])
            counted.setdefault(key, [0, 0])[index] = row["n"]
    account.rollups |= {key: (raw_rows, rolled) for key, (raw_rows, rolled) in counted.items()}


def _key(signal: str, row: Mapping[str, Any]) -> Key:
    return Key(signal, row["org"], row["app"], row["hour"])


def _minute(when: datetime) -> datetime:
    return when.replace(second=0, microsecond=0)


def _hour(when: datetime) -> datetime:
    return when.replace(minute=0, second=0, microsecond=0)


def _day(when: datetime) -> datetime:
    return _hour(when).replace(hour=0)
