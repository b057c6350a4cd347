"""What a log promises its readers, held on the double and on a real nats-server alike."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest
from nats.aio.client import Client as NatsClient

from processors.blocks.decide import Wait
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost, StreamLog, StreamLogReader, StreamMissing
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.frames import Frame
from tests.support.fake_log import FakeLog
from tests.support.log_streams import add_stream
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
S = "SEAMARK_events_0"
SUBJECT = "seamark.events.0"
ROOM = 4 * 1024 * 1024


class Bench(Protocol):
    """A log, and a way to put something into it."""

    @property
    def log(self) -> StreamLog: ...
    async def append(self, *payloads: bytes, frames: str = "") -> None: ...
    async def delete(self, sequence: int) -> None: ...
    async def break_off(self) -> None: ...


class FakeBench:
    def __init__(self) -> None:
        self.log = FakeLog()
        self.log.add(S)

    async def append(self, *payloads: bytes, frames: str = "") -> None:
        headers = f"NATS/1.0\r\nSeamark-Frames: {frames}\r\n\r\n".encode() if frames else b""
        for payload in payloads:
            self.log.append(S, payload, headers=headers)

    async def delete(self, sequence: int) -> None:
        del self.log.streams[S].messages[sequence]

    async def break_off(self) -> None:
        self.log.lose()


class RealBench:
    def __init__(self, server: NatsServer, client: NatsClient) -> None:
        settings = LogSettings(url=server.url)
        self.log = JetStreamLog(client, settings, name="test")
        self._jetstream = client.jetstream(timeout=5)
        self._server = server
        self._count = 0

    async def append(self, *payloads: bytes, frames: str = "") -> None:
        for payload in payloads:
            self._count += 1
            headers = {"Nats-Msg-Id": str(self._count)}
            if frames:
                headers["Seamark-Frames"] = frames
            await self._jetstream.publish(SUBJECT, payload, headers=headers)

    async def delete(self, sequence: int) -> None:
        await self._jetstream.delete_msg(S, sequence)

    async def break_off(self) -> None:
        self._server.kill()
        self._server.start()


@pytest.fixture(params=["double", "nats-server"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "double":
        yield FakeBench()
        return
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        await add_stream(client, S, SUBJECT)
        yield RealBench(server, client)
        await client.close()


async def take(reader: StreamLogReader, count: int) -> list[tuple[int, bytes]]:
    """The next `count` messages, dropped from the buffer."""
    async with asyncio.timeout(10):
        while len(reader.buffer) < count:
            await reader.more(Wait(messages=count, bytes=10**9))
    found = [(m.sequence, m.payload) for m in reader.buffer[:count]]
    reader.drop(count)
    return found


async def test_messages_after_a_sequence_come_in_order(bench: Bench) -> None:
    await bench.append(b"a", b"b", b"c", b"d")
    reader = await bench.log.open(S, after=1, buffer_bytes=ROOM)
    assert await take(reader, 3) == [(2, b"b"), (3, b"c"), (4, b"d")]
    assert reader.complete
    await bench.append(b"e")
    assert await take(reader, 1) == [(5, b"e")]
    reader.close()


async def test_server_times_never_fall_and_repeat_on_reading_again(bench: Bench) -> None:
    await bench.append(b"a", b"b", b"c")
    times = []
    for _ in range(2):
        reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
        await reader.more(Wait(messages=3, bytes=10**9))
        times.append([m.stored_ns for m in reader.buffer])
        reader.close()
    assert times[0] == times[1] == sorted(times[0])
    assert len(times[0]) == 3


async def test_an_empty_stream_is_complete_at_once(bench: Bench) -> None:
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    assert reader.complete
    assert reader.buffer == []
    reader.close()


async def test_more_returns_when_its_time_has_come(bench: Bench) -> None:
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.05
    await asyncio.wait_for(reader.more(Wait(until=due)), 5)
    assert loop.time() >= due - 0.02
    reader.close()


async def test_more_returns_when_woken(bench: Bench) -> None:
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    waiting = asyncio.create_task(reader.more(Wait()))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    reader.wake()
    await asyncio.wait_for(waiting, 5)
    reader.close()


async def test_what_was_deleted_is_left_out_and_not_waited_for(bench: Bench) -> None:
    await bench.append(b"a", b"b", b"c", b"d")
    await bench.delete(2)
    await bench.delete(4)
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    async with asyncio.timeout(10):
        while not reader.complete:
            await reader.more(Wait(sequence=4))
    assert [m.sequence for m in reader.buffer] == [1, 3]
    reader.close()


async def test_the_buffer_is_bounded_and_goes_on_when_there_is_room(bench: Bench) -> None:
    size, count = 300 * 1024, 40  # 12 MB through room for 4
    await bench.append(*(b"%6d" % n + b"x" * size for n in range(count)))
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    found: list[int] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            await reader.more(Wait(messages=4, bytes=10**9))
            assert reader.buffered_bytes <= ROOM + 9 * 1024 * 1024  # and one message of the largest
            found += [int(m.payload[:6]) for m in reader.buffer[:4]]
            reader.drop(4)
    assert found == list(range(count))
    reader.close()


async def test_state_follows_the_stream(bench: Bench) -> None:
    empty = await bench.log.state(S)
    assert (empty.last, empty.created_ns > 0) == (0, True)
    await bench.append(b"a", b"b")
    state = await bench.log.state(S)
    assert (state.first, state.last) == (1, 2)


async def test_a_missing_stream_is_reported_as_missing(bench: Bench) -> None:
    with pytest.raises(StreamMissing):
        await bench.log.state("SEAMARK_events_9")
    with pytest.raises(StreamMissing):
        await bench.log.open("SEAMARK_events_9", after=0, buffer_bytes=ROOM)


async def test_a_reader_that_broke_off_reports_it_and_another_continues(bench: Bench) -> None:
    await bench.append(b"a", b"b")
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    assert await take(reader, 2) == [(1, b"a"), (2, b"b")]
    await bench.break_off()
    with pytest.raises(LogLost):
        await asyncio.wait_for(reader.more(Wait()), 10)
    reader.close()
    async with asyncio.timeout(15):
        while True:
            try:
                again = await bench.log.open(S, after=2, buffer_bytes=ROOM)
                break
            except LogLost:
                await asyncio.sleep(0.05)  # nats-py's own connection comes back by itself
    await bench.append(b"c")
    assert await take(again, 1) == [(3, b"c")]
    again.close()


async def test_reading_can_begin_at_a_time_and_leave_payloads_where_they_are(bench: Bench) -> None:
    await bench.append(b"a")
    await bench.append(b"bb", frames="2:r1")
    await bench.append(b"c")
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    await reader.more(Wait(messages=3, bytes=10**9))
    stored_ns = [message.stored_ns for message in reader.buffer]
    reader.close()
    reader = await bench.log.open(
        S, after=99, since_ns=stored_ns[1], headers_only=True, buffer_bytes=ROOM
    )
    async with asyncio.timeout(10):
        while not reader.complete:
            await reader.more(Wait(sequence=3))
    found = [(m.sequence, m.stored_ns, m.payload, m.frames) for m in reader.buffer]
    reader.close()
    # Some of up to a second before may come too.
    assert found[-2:] == [(2, stored_ns[1], b"", [Frame(2, "r1")]), (3, stored_ns[2], b"", [])]
    later = await bench.log.open(S, after=0, since_ns=stored_ns[2] + 10**10, buffer_bytes=ROOM)
    assert later.complete
    assert later.buffer == []
    later.close()


async def test_messages_come_as_they_were_stored(bench: Bench) -> None:
    await bench.append(b"aaa", frames="nonsense")
    await bench.append(b"aaa", frames="3:r1")
    await bench.append(b"aaa", frames="3:r1")
    reader = await bench.log.open(S, after=0, buffer_bytes=ROOM)
    async with asyncio.timeout(10):
        while len(reader.buffer) < 3:
            await reader.more(Wait(messages=3, bytes=10**9))
    assert [m.payload for m in reader.buffer] == [b"aaa"] * 3
    assert [m.frames for m in reader.buffer] == [[], [Frame(3, "r1")], [Frame(3, "r1")]]
    reader.close()
