"""What the store of positions promises, held on the double and on a real nats-server alike."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from processors.blocks.positions import (
    Fenced,
    KvPositions,
    Positions,
    PositionsUnavailable,
    Recorded,
)
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import Position
from tests.support.fake_log import FakePositions
from tests.support.log_streams import add_positions
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
KEY = "rows.SEAMARK_events_0"
ONE = Position(0, 5, "SEAMARK_events_0:1-5:17")
TWO = Position(5, 9, "SEAMARK_events_0:6-9:18")


@pytest.fixture(params=["double", "nats-server"])
async def positions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Positions]:
    if request.param == "double":
        yield FakePositions()
        return
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        await add_positions(client)
        yield KvPositions(client)
        await client.close()


async def test_there_is_no_record_at_first(positions: Positions) -> None:
    assert await positions.read(KEY) == Recorded(None, 0)


async def test_what_is_written_is_read(positions: Positions) -> None:
    first = await positions.write(KEY, ONE, revision=0)
    assert first.position == ONE
    assert await positions.read(KEY) == first
    second = await positions.write(KEY, TWO, revision=first.revision)
    assert await positions.read(KEY) == second
    assert second.revision != first.revision


async def test_an_older_revision_is_fenced_and_changes_nothing(positions: Positions) -> None:
    first = await positions.write(KEY, ONE, revision=0)
    second = await positions.write(KEY, TWO, revision=first.revision)
    for revision in (0, first.revision):
        with pytest.raises(Fenced):
            await positions.write(KEY, ONE, revision=revision)
    assert await positions.read(KEY) == second


async def test_records_do_not_touch_each_other(positions: Positions) -> None:
    first = await positions.write(KEY, ONE, revision=0)
    await positions.write("rows.SEAMARK_events_1", TWO, revision=0)
    await positions.write("archive.SEAMARK_events_0", TWO, revision=0)
    assert await positions.write(KEY, TWO, revision=first.revision)


async def test_of_many_writers_one_wins(positions: Positions) -> None:
    held = await positions.write(KEY, ONE, revision=0)
    ends = [Position(5, 6 + n, f"SEAMARK_events_0:6-{6 + n}:18") for n in range(8)]
    results = await asyncio.gather(
        *(positions.write(KEY, end, revision=held.revision) for end in ends),
        return_exceptions=True,
    )
    (won,) = [result for result in results if isinstance(result, Recorded)]
    assert sum(isinstance(result, Fenced) for result in results) == 7
    assert await positions.read(KEY) == won


async def test_the_record_is_the_json_that_is_documented(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        await add_positions(client)
        positions = KvPositions(client)
        held = await positions.write(KEY, ONE, revision=0)
        bucket = await client.jetstream().key_value(POSITIONS_BUCKET)
        expected = b'{"done":0,"end":5,"token":"SEAMARK_events_0:1-5:17"}'
        assert (await bucket.get(KEY)).value == expected
        await bucket.delete(KEY)  # an operator's answer to a log that went back
        deleted = await positions.read(KEY)
        assert deleted.position is None
        with pytest.raises(Fenced):
            await positions.write(KEY, TWO, revision=held.revision)
        bare = await positions.write(KEY, TWO, revision=deleted.revision)
        assert bare.position == TWO
        await client.close()


async def test_a_missing_bucket_and_an_unreadable_record_are_waited_for(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        positions = KvPositions(client)
        with pytest.raises(PositionsUnavailable, match="does not exist yet"):
            await positions.read(KEY)
        await add_positions(client)
        bucket = await client.jetstream().key_value(POSITIONS_BUCKET)
        await bucket.put(KEY, b"{")
        with pytest.raises(PositionsUnavailable, match="unreadable"):
            await positions.read(KEY)
        await client.close()
