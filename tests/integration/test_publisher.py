"""The publisher against a real log: joins, says no when the log is full or away, survives kills."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import pytest
import zstandard
from nats.aio.client import Client as NatsClient

from collector.log import LogFrame
from collector.publish.publisher import Publisher
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import HEADER, parse_frames
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
NOISE = zstandard.compress(random.Random(1).randbytes(4_900))
EVENTS = stream_name(Signal.EVENTS, 0)


async def add_stream(client: NatsClient, *, max_bytes: int = 64 * 1024 * 1024) -> None:
    config = {
        "name": EVENTS,
        "subjects": [subject(Signal.EVENTS, 0)],
        "storage": "file",
        "discard": "new",
        "max_bytes": max_bytes,
        "allow_direct": True,
        "duplicate_window": 600_000_000_000,
    }
    answer = await client.request(f"$JS.API.STREAM.CREATE.{EVENTS}", json.dumps(config).encode())
    assert "error" not in json.loads(answer.data)


async def stored(client: NatsClient) -> list[tuple[bytes, str | None]]:
    """Every message of the stream: payload and Seamark-Frames header."""
    js = client.jetstream(timeout=5)
    last = (await js.stream_info(EVENTS)).state.last_seq
    found = []
    for seq in range(1, last + 1):
        message = await js.get_msg(EVENTS, seq, direct=True)
        found.append((message.data or b"", (message.headers or {}).get(HEADER)))
    return found


@pytest.fixture
async def publisher(client: NatsClient) -> AsyncIterator[Publisher]:
    made = Publisher(client, partitions=1, health=Health(), attempt_seconds=0.5, append_seconds=2.0)
    await made.start()
    yield made
    await made.stop()


async def test_concurrent_frames_share_messages(client: NatsClient, publisher: Publisher) -> None:
    await add_stream(client)
    frames = [zstandard.compress(b"%04d" % i) for i in range(200)]
    await asyncio.gather(
        *(
            publisher.append(LogFrame(Signal.EVENTS, 0, frame, 1, receipt=f"r{i}" if i % 2 else ""))
            for i, frame in enumerate(frames)
        )
    )
    messages = await stored(client)
    assert len(messages) < 20
    assert b"".join(payload for payload, _ in messages) == b"".join(frames)
    receipts = [f.receipt for _, header in messages if header for f in parse_frames(header)]
    assert [r for r in receipts if r] == [f"r{i}" for i in range(1, 200, 2)]


async def test_a_full_log_is_reported_at_once(client: NatsClient, publisher: Publisher) -> None:
    await add_stream(client, max_bytes=20_000)
    for _ in range(3):
        await publisher.append(LogFrame(Signal.EVENTS, 0, NOISE, 1))
    with pytest.raises(Unavailable, match="maximum bytes exceeded"):
        await publisher.append(LogFrame(Signal.EVENTS, 0, NOISE, 1))


async def test_a_missing_stream_is_unavailable(publisher: Publisher) -> None:
    with pytest.raises(Unavailable, match="its stream is not there"):
        await publisher.append(LogFrame(Signal.EVENTS, 0, NOISE, 1))


async def test_a_frame_no_message_can_hold_is_rejected(publisher: Publisher) -> None:
    with pytest.raises(Rejected, match="send smaller batches"):
        await publisher.append(LogFrame(Signal.EVENTS, 0, bytes(8 * 1024 * 1024), 1))


async def test_memory_for_waiting_frames_is_bounded(client: NatsClient, server: NatsServer) -> None:
    await add_stream(client)
    small = Publisher(client, partitions=1, health=Health(), pending_bytes=1_000)
    await small.start()
    answers = await asyncio.gather(
        *(small.append(LogFrame(Signal.EVENTS, 0, NOISE[:400], 1)) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 3
    await small.stop()


async def test_kills_of_the_server_lose_and_double_nothing(
    server: NatsServer, client: NatsClient
) -> None:
    await add_stream(client)
    publisher = Publisher(
        client, partitions=1, health=Health(), attempt_seconds=0.5, append_seconds=20.0
    )
    await publisher.start()
    acknowledged: list[bytes] = []
    stop = asyncio.Event()
    progress = asyncio.Semaphore(0)

    async def send(worker: int) -> None:
        number = 0
        while not stop.is_set():
            frame = zstandard.compress(b"%d:%d;" % (worker, number))
            await publisher.append(LogFrame(Signal.EVENTS, 0, frame, 1))
            acknowledged.append(frame)
            progress.release()
            number += 1

    workers = [asyncio.create_task(send(worker)) for worker in range(8)]
    for _ in range(4):
        for _ in range(50):
            await progress.acquire()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    stop.set()
    await asyncio.gather(*workers)
    await publisher.stop()
    payloads = b"".join(payload for payload, _ in await stored(client))
    reader = zstandard.ZstdDecompressor().stream_reader(payloads, read_across_frames=True)
    sent = [zstandard.decompress(frame) for frame in acknowledged]
    assert sorted(reader.read().split(b";")[:-1]) == sorted(text[:-1] for text in sent)
