"""`seamark replay --rebuild`: the whole hot store, from the archive and then from the log.

    pause rows and archive → put rows where the archive stands → drop → migrate → every file that
    the archive has by then → let them go on

What the archive has not taken yet is still in the log, and `rows` reads it as it reads anything:
no second way into the store. Receipts and dead letters are not in the archive; those of what rows
reads again come back, the others do not.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from nats.js.kv import KeyValue

from provisioning.clickhouse.variant import Variant
from provisioning.settings import ProvisionSettings
from provisioning.tables import TablesFailed, bring_up_to_date
from seamark.recovery import journal
from seamark.recovery.archive import open_archive
from seamark.recovery.fresh import replay_fresh
from seamark.recovery.positions import bucket_of, open_log, paused, read_records
from seamark.recovery.request import RecoveryRequest
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.store import RecoveryStore, open_store
from seamark.service.settings import load
from seamark.wire.signals import Signal

_FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)


async def rebuild(stack: Stack, *, drop: bool) -> int:
    """Make the store anew; returns the rows that came from the archive.

    `drop`: what is there goes first. Killed in the middle, it is run again without `drop`, and goes
    on. Raises RecoveryError.
    """
    archive = open_archive(stack)
    async with (
        open_log(stack.log) as client,
        open_store(stack.store, local=stack.folder is not None) as store,
    ):
        bucket = await bucket_of(client)
        async with paused(bucket):
            begun = await journal.read(bucket, journal.Fresh)
            if drop:
                await journal.clear(bucket, journal.Fresh)
                # First: should this be killed, rows goes on from here, and no message comes twice.
                await _go_on_from_the_archive(bucket)
                await store.command(f"DROP DATABASE IF EXISTS {store.database} SYNC")
            elif begun is None and await _holds_rows(store):
                raise RecoveryError(
                    f"the store at {stack.store.url} is not empty: --drop empties it first"
                )
            elif begun is None:
                await _go_on_from_the_archive(bucket)
            await _migrate(stack)
            return await replay_fresh(store, bucket, archive, _everything(begun, drop))


def _everything(begun: journal.Fresh | None, drop: bool) -> RecoveryRequest:
    """All there is, of every signal; the same end when it is gone on with."""
    end = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    if begun is not None and not drop:
        text = begun.id.partition(" to ")[2].partition(" of ")[0]
        end = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return RecoveryRequest(_FIRST, end, "", tuple(Signal))


async def _holds_rows(store: RecoveryStore) -> bool:
    found = await store.rows(
        "SELECT name FROM system.tables WHERE database = {d:String} AND name = 'ledger'"
        " AND total_rows > 0",
        params={"d": store.database},
    )
    return bool(found)


async def _migrate(stack: Stack) -> None:
    own = load(ProvisionSettings, prefix="SEAMARK_PROVISION", environ=stack.environ)
    try:
        await asyncio.to_thread(
            bring_up_to_date,
            stack.store,
            variant=Variant(own.store_variant),
            cluster=own.store_cluster,
        )
    except TablesFailed as error:
        raise RecoveryError(f"the tables cannot be made: {error}") from error


async def _go_on_from_the_archive(bucket: KeyValue) -> None:
    """Put rows where the archive stands; where the archive never was, at the log's beginning.

    Rows is paused, so nobody writes these records, and it reads them when it goes on.
    """
    records = await read_records(bucket)
    archived = {record.stream: record.position for record in records if record.sink == "archive"}
    for record in records:
        if record.sink == "rows" and record.stream not in archived:
            await bucket.delete(record.key)
    done = {stream: position.done for stream, position in archived.items()}
    await journal.write(bucket, journal.Rebuilt(done=done))
    for stream, position in archived.items():
        await bucket.put(f"rows.{stream}", msgspec.json.encode(position))
