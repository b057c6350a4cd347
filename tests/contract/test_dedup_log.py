"""An index made from the log, held on the double and on a real nats-server alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from processors.blocks.decide import Wait
from processors.blocks.dedup.index import DedupIndex
from processors.blocks.dedup.prepare import prepare
from processors.blocks.dedup.rewrite import DedupedBlock, dedup_block
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost, StreamLog
from processors.blocks.nats_frames import NatsMessage
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.positions import Position, token_of
from seamark.wire.signals import Signal
from tests.support.envelope_frames import envelope_frame, message
from tests.support.fake_log import FakeLog
from tests.support.log_streams import add_stream
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
S = "SEAMARK_events_0"
SUBJECT = "seamark.events.0"
Append = Callable[[NatsMessage], Awaitable[None]]


@pytest.fixture(params=["double", "nats-server"])
async def filled(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[StreamLog, Append]]:
    """A log, and how to put a message into it."""
    if request.param == "double":
        double = FakeLog()
        double.add(S)

        async def append(one: NatsMessage) -> None:
            double.append(S, one.payload, headers=one.headers)

        yield double, append
        return
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        await add_stream(client, S, SUBJECT)
        jetstream = client.jetstream(timeout=5)

        async def publish(one: NatsMessage) -> None:
            listed = ",".join(frame.entry() for frame in one.frames)
            headers = {"Seamark-Frames": listed} if listed else None
            await jetstream.publish(SUBJECT, one.payload, headers=headers)

        yield JetStreamLog(client, LogSettings(url=server.url), name="test"), publish
        await client.close()


def sent(batch: str, *ids: str) -> NatsMessage:
    data = envelope_frame(batch, ids=ids or ("",))
    return message(1, (data, batch, bool(ids)))


async def stored(log: StreamLog, count: int) -> list[NatsMessage]:
    reader = await log.open(S, after=0, buffer_bytes=1 << 20)
    async with asyncio.timeout(10):
        while len(reader.buffer) < count:
            await reader.more(Wait(messages=count, bytes=10**9))
    reader.close()
    return reader.buffer[:count]


def behind(messages: list[NatsMessage]) -> Position:
    """The record of a sink that has all of these in one block."""
    end = messages[-1].sequence
    token = token_of(S, done=0, end=end, first_ns=messages[-1].stored_ns)
    return Position(end, end, token)


async def deduplicated(
    index: DedupIndex, block: list[NatsMessage], position: Position
) -> DedupedBlock:
    return await asyncio.to_thread(
        dedup_block, index, block, signal=Signal.EVENTS, position=position
    )


async def test_an_index_is_made_kept_and_caught_up_alike(filled: tuple[StreamLog, Append]) -> None:
    log, append = filled
    for n in range(200):
        await append(sent(f"b{n}"))
    await append(sent("with", "i1", "i2"))  # from here on payloads are read
    await append(sent("", "i3"))
    await append(message(1, (b"anything", "", False)))
    messages = await stored(log, 203)
    indexes = [DedupIndex("") for _ in range(3)]
    stop = asyncio.Event()
    lost, kept, older = indexes
    await prepare(older, log, S, position=behind(messages[:60]), stop=stop)
    for index in indexes:
        await prepare(index, log, S, position=behind(messages), stop=stop)
    progress = await asyncio.to_thread(kept.progress)
    assert progress is not None
    assert (progress.through, progress.last) == (203, 203)
    await prepare(kept, log, S, position=behind(messages), stop=stop)
    assert await asyncio.to_thread(kept.progress) == progress
    for one in (sent("b7"), sent("b199"), sent("new", "i2", "i4", "i3")):
        await append(one)
    block = (await stored(log, 206))[203:]
    for index in (lost, kept, older):
        deduped = await deduplicated(index, block, Position(203, 206, "t"))
        assert (deduped.frames, deduped.events) == (2, 2)
        index.close()


async def test_a_fresh_sink_has_nothing_to_learn(filled: tuple[StreamLog, Append]) -> None:
    log, append = filled
    index = DedupIndex("")
    await prepare(index, log, S, position=Position(0, 0), stop=asyncio.Event())
    await append(sent("b1"))
    await append(sent("b1"))
    block = await stored(log, 2)
    deduped = await deduplicated(index, block, Position(0, 2, "t"))
    assert deduped.frames == 1
    index.close()


async def test_the_index_catch_up_ends_at_a_stop(filled: tuple[StreamLog, Append]) -> None:
    log, append = filled
    await append(sent("b1"))
    messages = await stored(log, 1)
    stop = asyncio.Event()
    stop.set()
    index = DedupIndex("")
    position = Position(5, 5, token_of(S, done=0, end=5, first_ns=messages[0].stored_ns))
    with pytest.raises(LogLost):
        await prepare(index, log, S, position=position, stop=stop)
    index.close()
