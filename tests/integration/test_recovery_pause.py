"""Holding sinks in a real log: the lease, and waiting for a block to be finished."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client as NatsClient
from nats.js.api import KeyValueConfig
from nats.js.kv import KeyValue

from processors.blocks.pause import POLL_SECONDS, KvPauses
from seamark.recovery import journal
from seamark.recovery.positions import open_log, paused, read_records
from seamark.recovery.stack import RecoveryError
from seamark.service.connections import LogSettings
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import PauseLease, Position, pause_key
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[NatsClient]:
    with NatsServer(tmp_path / "nats") as server:
        async with open_log(LogSettings(url=server.url)) as connected:
            await connected.jetstream().create_key_value(KeyValueConfig(bucket=POSITIONS_BUCKET))
            yield connected


async def bucket_of(client: NatsClient) -> KeyValue:
    return await client.jetstream().key_value(POSITIONS_BUCKET)


async def put(bucket: KeyValue, key: str, position: Position) -> None:
    await bucket.put(key, msgspec.json.encode(position))


async def test_a_lease_holds_until_it_ends(client: NatsClient) -> None:
    bucket = await bucket_of(client)
    assert await KvPauses(client, "rows").until_ms() == 0
    until_ms = int(time.time() * 1000) + 60_000
    await bucket.put(pause_key("rows"), msgspec.json.encode(PauseLease(until_ms=until_ms)))
    assert await KvPauses(client, "rows").until_ms() == until_ms
    assert await KvPauses(client, "archive").until_ms() == 0
    await bucket.put(pause_key("rows"), msgspec.json.encode(PauseLease(until_ms=1)))
    assert await KvPauses(client, "rows").until_ms() == 0


async def test_a_pause_shows_whether_a_sink_moved(client: NatsClient) -> None:
    bucket = await bucket_of(client)
    await put(bucket, "rows.SEAMARK_events_0", Position(7, 7, "t:1-7:5"))
    async with paused(bucket, patience_seconds=20) as pause:
        assert await KvPauses(client, "rows").until_ms() > 0
        assert await pause.unmoved()
        await put(bucket, "rows.SEAMARK_events_0", Position(7, 9, "t:8-9:6"))
        assert not await pause.unmoved()
    assert await KvPauses(client, "rows").until_ms() == 0
    assert [record.key for record in await read_records(bucket)] == ["rows.SEAMARK_events_0"]


async def test_an_unfinished_block_is_named(client: NatsClient) -> None:
    bucket = await bucket_of(client)
    await put(bucket, "rows.SEAMARK_events_0", Position(7, 9, "t:8-9:6"))
    with pytest.raises(RecoveryError, match=r"rows\.SEAMARK_events_0 did not come to rest"):
        async with paused(bucket, patience_seconds=2 * POLL_SECONDS):
            pass
    assert await KvPauses(client, "rows").until_ms() == 0


async def test_the_journal_keeps_what_was_begun(client: NatsClient) -> None:
    bucket = await bucket_of(client)
    assert await journal.read(bucket, journal.Live) is None
    await journal.write(bucket, journal.Live(token="t", steps=["INSERT …"]))
    assert await journal.read(bucket, journal.Live) == journal.Live(token="t", steps=["INSERT …"])
    await journal.clear(bucket, journal.Live)
    assert await journal.read(bucket, journal.Live) is None
