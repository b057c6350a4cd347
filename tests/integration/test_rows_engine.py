"""Log to tables with the real parts: nats-server, the embedded engine, the schema, the processor.

What must come out is counted in raw rows, in the minute rollup and in the ledger alike.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import msgspec
import pytest
import zstandard
from nats.aio.client import Client as NatsClient

from processors.blocks.nats_frames import NatsMessage
from processors.blocks.sink import Block
from processors.rows.__main__ import serve
from processors.rows.settings import RowsSettings
from processors.rows.store import StoreSink
from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.service.connections import LogSettings, StoreSettings, connect_log
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.envelope import Outcome, Sender, encode_envelope, varint
from seamark.wire.positions import token_of
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.log_streams import add_dead_letters, add_positions, add_stream
from tests.support.servers import NatsServer
from tests.support.store_server import PASSWORD, StoreServer

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
EVENTS_EACH = 3
RECEIVED_NS = 1_795_316_640_123_456_789
SENDER = Sender(org="acme", app="shop", key_id="k1").encode()


def receipt(number: int) -> str:
    return f"018f0000-0000-7000-8000-{number:012d}"


def frame(
    number: int,
    *,
    sender: bytes = SENDER,
    ids: Sequence[str] = ("",) * EVENTS_EACH,
    end: bytes = b"",
) -> bytes:
    """One envelope with an event for each id, compressed, as the collector makes it.

    `end` is put behind its last field.
    """
    named = {"ts": 1_795_316_640_000, "name": f"e{number}"}
    envelope = encode_envelope(
        sender,
        receipt=receipt(number),
        received_ns=RECEIVED_NS,
        sent_ms=None,
        outcome=Outcome(len(ids), len(ids)),
        signal=Signal.EVENTS,
        body=msgspec.json.encode([named | ({"id": one} if one else {}) for one in ids]),
    )
    if end:
        message = envelope[2:]  # behind its length, which is one of two bytes
        envelope = varint(len(message) + len(end)) + message + end
    return zstandard.compress(envelope, 1)


def counts(offered: int, accepted: int, *, duplicate: int, dead_lettered: int) -> dict[str, int]:
    return {
        "offered": offered,
        "accepted": accepted,
        "duplicate": duplicate,
        "dead_lettered": dead_lettered,
    }


BAD = {
    "no zstd": b"this is no zstd frame",
    "half a frame": frame(0)[:-9],
    "no protobuf": zstandard.compress(b"\xff" * 40),
    "half an envelope": zstandard.compress(zstandard.decompress(frame(0))[:-9]),
}


class Pipeline:
    def __init__(self, server: NatsServer, client: NatsClient, store: StoreServer) -> None:
        self.store = store
        self.client = client
        self._jetstream = client.jetstream(timeout=5)
        self._log = LogSettings(url=server.url, partitions=1)
        self._stop = asyncio.Event()
        self._task: asyncio.Task[int] | None = None

    async def provision(self) -> None:
        await add_positions(self.client)
        await add_dead_letters(self.client)
        for signal in Signal:
            await add_stream(self.client, stream_name(signal, 0), subject(signal, 0))
        values = placeholders(Variant.EMBEDDED, database="seamark")
        await self.ask("CREATE DATABASE IF NOT EXISTS seamark ENGINE = Atomic")
        for file in read_migrations():
            for statement in statements(file.text, values):
                await self.ask(statement)

    async def ask(self, sql: str) -> list[list[str]]:
        return await asyncio.to_thread(self.store.rows, sql)

    async def publish(self, *payloads: bytes, frames: str = "") -> None:
        headers = {"Seamark-Frames": frames} if frames else None
        for payload in payloads:
            await self._jetstream.publish(subject(Signal.EVENTS, 0), payload, headers=headers)

    async def ledger(self, org: str) -> dict[str, int]:
        """Sums of the ledger for one org."""
        columns = ("offered", "accepted", "duplicate", "dead_lettered")
        sums = ", ".join(f"sum({column})" for column in columns)
        (row,) = await self.ask(f"SELECT {sums} FROM seamark.ledger WHERE org = '{org}'")
        return {name: int(float(value)) for name, value in zip(columns, row, strict=True)}

    def start(self) -> None:
        self._stop.clear()
        settings = RowsSettings(port=0, block_age_seconds=0.1, insert_timeout_seconds=10.0)
        store = StoreSettings(url=self.store.url, password=PASSWORD)
        self._task = asyncio.create_task(serve(settings, self._log, store, self._stop))

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            assert await asyncio.wait_for(self._task, 10) == 0

    async def receipts(self, count: int, *, within_seconds: float = 20.0) -> list[str]:
        """The receipts in `events`, once there are `count` rows or more."""
        async with asyncio.timeout(within_seconds):
            while True:
                rows = await self.ask("SELECT receipt FROM seamark.events ORDER BY receipt")
                if len(rows) >= count:
                    return [str(int(row[0][-12:])) for row in rows]
                await asyncio.sleep(0.05)

    async def totals(self) -> tuple[int, int, int]:
        """Events by raw rows, by the minute rollup, and accepted by the ledger."""
        found = []
        for sql in (
            "SELECT count() FROM seamark.events",
            "SELECT sum(rows) FROM seamark.events_1m",
            "SELECT sum(accepted) FROM seamark.ledger",
        ):
            ((total,),) = await self.ask(sql)
            found.append(int(float(total)))
        return found[0], found[1], found[2]


@pytest.fixture
async def pipeline(tmp_path: Path) -> AsyncIterator[Pipeline]:
    with (
        NatsServer(tmp_path / "nats") as server,
        StoreServer(tmp_path / "store", fsync="false") as store,
    ):
        client = await connect_log(LogSettings(url=server.url), name="test")
        made = Pipeline(server, client, store)
        await made.provision()
        yield made
        await made.stop()
        await client.close()


async def test_bad_messages_of_every_kind_go_to_the_dead_letters_alone(pipeline: Pipeline) -> None:
    payloads = [frame(n) for n in range(1, 61)]
    for place, bad in zip((7, 22, 41, 50), BAD.values(), strict=True):
        payloads.insert(place, bad)
    await pipeline.publish(*payloads)
    pipeline.start()
    receipts = await pipeline.receipts(60 * EVENTS_EACH)
    assert sorted(receipts, key=int) == [str(n) for n in range(1, 61) for _ in range(EVENTS_EACH)]
    dead = pipeline.client.jetstream(timeout=5)
    await pipeline.stop()  # after the last block, which holds the last bad one
    dead_letters = [await dead.get_msg("SEAMARK_DEAD", n + 1) for n in range(len(BAD))]
    assert [dead_letter.data for dead_letter in dead_letters] == list(BAD.values())
    assert await pipeline.totals() == (180, 180, 180)


async def test_a_killed_store_and_two_frames_to_a_message_count_once(pipeline: Pipeline) -> None:
    pipeline.start()
    number = 0
    for kill in range(3):
        for _ in range(30):
            await pipeline.publish(frame(number + 1) + frame(number + 2))
            number += 2
        if kill == 1:
            await pipeline.receipts(EVENTS_EACH)
        await asyncio.to_thread(pipeline.store.kill)
        await pipeline.publish(frame(number + 1))
        number += 1
        await asyncio.to_thread(pipeline.store.start)
    total = number * EVENTS_EACH
    assert len(await pipeline.receipts(total, within_seconds=30)) == total
    await asyncio.sleep(0.3)  # were anything sent twice, it would come now
    assert await pipeline.totals() == (total, total, total)


async def test_a_refused_frame_takes_no_frame_of_another_sender_with_it(pipeline: Pipeline) -> None:
    foreign = Sender(org="other", app="blog", key_id="k9").encode()
    # The weight as an integer: we can still read whose it is, the engine refuses all of it.
    poison = frame(2, sender=foreign, end=varint(20 << 3) + b"\x01")
    await pipeline.publish(frame(1) + poison + frame(3) + b"no frame", frame(4))
    pipeline.start()
    receipts = await pipeline.receipts(3 * EVENTS_EACH)
    assert receipts == [str(n) for n in (1, 3, 4) for _ in range(EVENTS_EACH)]
    await pipeline.stop()
    dead = pipeline.client.jetstream(timeout=5)
    dead_letters = [await dead.get_msg("SEAMARK_DEAD", n) for n in (1, 2)]
    assert [dead_letter.data for dead_letter in dead_letters] == [poison, b"no frame"]
    assert [(dead_letter.headers or {})["Seamark-Frame"] for dead_letter in dead_letters] == [
        "1",
        "3",
    ]
    assert await pipeline.ledger("acme") == counts(9, 9, duplicate=0, dead_lettered=0)
    assert await pipeline.ledger("other") == counts(3, 3, duplicate=0, dead_lettered=3)


async def test_retries_and_events_that_were_there_are_counted_and_not_stored(
    pipeline: Pipeline,
) -> None:
    one, two = frame(1), frame(2, ids=["a", "", "b", "a"])
    three = frame(3, ids=["b", "c"])
    listed = f"{len(one)}:{receipt(1)},{len(two)}:{receipt(2)}::e"
    await pipeline.publish(one + two, frames=listed)
    pipeline.start()
    await pipeline.receipts(6)
    await pipeline.stop()  # and started again without an index: it is made from the log
    pipeline.start()
    await pipeline.publish(one + two, frames=listed)
    await pipeline.publish(three, frames=f"{len(three)}:::e")
    receipts = await pipeline.receipts(7)
    assert receipts == ["1"] * 3 + ["2"] * 3 + ["3"]
    await pipeline.stop()
    assert (await pipeline.totals())[:2] == (7, 7)
    ids = await pipeline.ask("SELECT event_id FROM seamark.events ORDER BY event_id")
    assert [one for (one,) in ids if one] == ["a", "b", "c"]
    # 3 + 4 twice, and 2; of these one was twice in its batch, 7 came again, and one later with
    # other content
    found = await pipeline.ledger("acme")
    assert found == counts(16, 16, duplicate=8, dead_lettered=1)
    reused = await pipeline.ask("SELECT reason, field, name FROM seamark.dead_letters")
    assert [tuple(row) for row in reused] == [("id_reused", "id", "e3")]


async def test_lost_positions_double_nothing(pipeline: Pipeline) -> None:
    log = pipeline.client.jetstream(timeout=5)
    pipeline.start()
    await pipeline.publish(*(frame(n) for n in range(1, 41)))
    await pipeline.receipts(40 * EVENTS_EACH)
    await pipeline.stop()
    for number in (41, 42):  # the second time while the sink runs
        await log.delete_key_value(POSITIONS_BUCKET)
        await add_positions(pipeline.client)
        if number == 41:
            pipeline.start()
        await pipeline.publish(frame(number))
        await pipeline.receipts(number * EVENTS_EACH)
    await pipeline.stop()
    total = 42 * EVENTS_EACH
    assert await pipeline.totals() == (total, total, total)


async def test_an_untouched_block_is_distinguished_from_a_written_one(pipeline: Pipeline) -> None:
    stream = stream_name(Signal.EVENTS, 0)
    settings = StoreSettings(url=pipeline.store.url, password=PASSWORD)
    one, other = (
        Block(
            Signal.EVENTS,
            stream,
            token_of(stream, done=n - 1, end=n, first_ns=10**18 + n),
            [NatsMessage(n, 10**18 + n, 0, 0.0, frame(n))],
        )
        for n in (1, 2)
    )
    async with aiohttp.ClientSession() as session:
        sink = StoreSink(session, settings, timeout_seconds=10)
        assert await sink.last_block(stream) is None
        assert await sink.untouched(one)
        await sink.write(one)
        assert not await sink.untouched(one)
        assert await sink.untouched(other)
        last = await sink.last_block(stream)
        assert last is not None
        assert last.token == one.token
        assert abs(last.written_ms - time.time() * 1000) < 60_000
        await sink.write(other)
        assert not await sink.untouched(one)  # by its rows, though another block is the last
