"""Kill the processor, kill the log, let two processors fight: every message exactly once.

The store is slow, and notes a token only when it has taken the block, so kills hit every phase.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client as NatsClient

from processors.blocks.positions import KvPositions
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.fake_store import FakeStore
from tests.support.log_streams import add_dead_letters, add_positions, add_stream
from tests.support.servers import NatsServer

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow]
PARTITIONS = 2
KILLS = 20
LOG_KILLS = 3


class Arena:
    """The log, the slow store, a publisher that never gives up, and processors to kill."""

    def __init__(self, server: NatsServer, client: NatsClient, store: FakeStore) -> None:
        self.server = server
        self.client = client
        self.store = store
        self.sent: list[str] = []
        self.stop = asyncio.Event()
        self.chance = random.Random(20)
        self.processors: list[asyncio.subprocess.Process] = []

    async def provision(self) -> None:
        await add_positions(self.client)
        await add_dead_letters(self.client)
        for signal in Signal:
            for partition in range(PARTITIONS):
                name = stream_name(signal, partition)
                await add_stream(self.client, name, subject(signal, partition))

    async def start_processor(self) -> asyncio.subprocess.Process:
        settings = {
            "SEAMARK_LOG_URL": self.server.url,
            "SEAMARK_LOG_PARTITIONS": str(PARTITIONS),
            "SEAMARK_STORE_URL": self.store.url,
            "SEAMARK_ROWS_PORT": "0",
            "SEAMARK_ROWS_BLOCK_AGE_SECONDS": "0.02",
            "SEAMARK_ROWS_BLOCK_MESSAGES": str(self.chance.choice([3, 10, 40])),
            "SEAMARK_ROWS_INSERTS": "4",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "processors.rows",
            env=os.environ | settings,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.processors.append(process)
        return process

    async def publish(self) -> None:
        """Number after number, each until it is acknowledged, like the collector does."""
        jetstream = self.client.jetstream(timeout=1)
        number = 0
        while not self.stop.is_set():
            number += 1
            to = subject(Signal.EVENTS, number % PARTITIONS)
            while True:
                with suppress(nats.errors.Error, OSError):
                    await jetstream.publish(
                        to, b"%d;" % number, headers={"Nats-Msg-Id": str(number)}
                    )
                    break
            self.sent.append(str(number))
            await asyncio.sleep(0.002)

    async def settled(self) -> None:
        """Until the store has everything, and the positions say so."""
        await self.store.holds(len(self.sent), within_seconds=20)
        positions = KvPositions(self.client)
        jetstream = self.client.jetstream(timeout=5)
        async with asyncio.timeout(10):
            for partition in range(PARTITIONS):
                name = stream_name(Signal.EVENTS, partition)
                last = (await jetstream.stream_info(name)).state.last_seq
                while True:
                    position = (await positions.read(f"rows.{name}")).position
                    if position is not None and position.done == last:
                        break
                    await asyncio.sleep(0.05)

    async def end(self) -> None:
        for process in self.processors:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture
async def arena(tmp_path: Path) -> AsyncIterator[Arena]:
    store = await FakeStore().start()
    chance = random.Random(1)
    store.delay = lambda: chance.choice([0.0, 0.01, 0.08])
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        made = Arena(server, client, store)
        await made.provision()
        yield made
        await made.end()
        await client.close()
    await store.stop()


async def test_twenty_kills_three_log_kills_and_a_rival_change_nothing(arena: Arena) -> None:
    publishing = asyncio.create_task(arena.publish())
    rival = await arena.start_processor()
    for kill in range(KILLS):
        victim = await arena.start_processor()
        # Long enough to start and do something; sometimes it dies while it starts.
        await asyncio.sleep(arena.chance.uniform(0.3, 1.3))
        if kill % (KILLS // LOG_KILLS) == 3:
            arena.server.kill()
            arena.server.start()
        if kill % 7 == 5:
            rival.kill()
            await rival.wait()
            rival = await arena.start_processor()
        victim.kill()
        await victim.wait()
    arena.stop.set()
    await publishing
    await arena.settled()
    assert arena.store.ids == Counter(arena.sent)
    assert len(arena.sent) > 500
    assert arena.store.repeats > 0  # some kill did hit between an insert and its record


async def test_two_processors_share_the_work_and_stop_cleanly(arena: Arena) -> None:
    publishing = asyncio.create_task(arena.publish())
    pair = [await arena.start_processor(), await arena.start_processor()]
    await asyncio.sleep(3.5)  # longer than the longest wait of a standby
    arena.stop.set()
    await publishing
    await arena.settled()
    for process in pair:
        process.terminate()
    assert [await asyncio.wait_for(process.wait(), 10) for process in pair] == [0, 0]
    assert arena.store.ids == Counter(arena.sent)
