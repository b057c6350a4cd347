"""The sink `rows` against a store that speaks ClickHouse's HTTP, and says every kind of no."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from processors.blocks.nats_frames import NatsMessage
from processors.blocks.sink import Block, SinkRejected, SinkUnavailable
from processors.rows.store import StoreSink
from seamark.service.clickhouse.errors import code_of
from seamark.service.connections import StoreSettings
from seamark.wire.signals import Signal
from tests.support.fake_store import FakeStore
from tests.support.servers import free_port

pytestmark = pytest.mark.integration
TOKEN = "SEAMARK_traces_1:3-4:1795390822080159825"


def block(*payloads: bytes, token: str = TOKEN) -> Block:
    messages = [NatsMessage(n, n, 0, 0.0, payload) for n, payload in enumerate(payloads, 3)]
    return Block(Signal.TRACES, "SEAMARK_traces_1", token, messages)


@pytest.fixture
async def store() -> AsyncIterator[FakeStore]:
    running = await FakeStore().start()
    yield running
    await running.stop()


@pytest.fixture
async def sink(store: FakeStore) -> AsyncIterator[StoreSink]:
    settings = StoreSettings(url=store.url, user="rows", password="pässword")
    async with aiohttp.ClientSession() as session:
        yield StoreSink(session, settings, timeout_seconds=0.5)


async def test_a_block_is_one_insert_with_the_contract_s_settings(
    store: FakeStore, sink: StoreSink
) -> None:
    await sink.write(block(b"a;", b"b;c;"))
    (request,) = store.requests
    assert request["query"] == "INSERT INTO seamark.in_traces FORMAT Protobuf"
    assert request["format_schema"] == "seamark_envelope:Envelope"
    assert request["insert_deduplication_token"] == TOKEN
    assert request["deduplicate_blocks_in_dependent_materialized_views"] == "1"
    assert request["Content-Encoding"] == "zstd"
    assert request["Content-Length"] == request["length"] == "6"
    assert request["X-ClickHouse-User"] == "rows"
    assert set(store.ids) == {"a", "b", "c"}


async def test_a_large_block_arrives_whole_and_in_order(store: FakeStore, sink: StoreSink) -> None:
    payloads = [b"%05d" % n + b"x" * 40_000 + b";" for n in range(200)]  # 8 MB, many chunks
    await sink.write(block(*payloads))
    assert list(store.ids) == [payload[:-1].decode() for payload in payloads]


async def test_an_empty_payload_is_no_end(store: FakeStore, sink: StoreSink) -> None:
    await sink.write(block(b"", b"a;", b""))
    assert set(store.ids) == {"a"}


@pytest.mark.parametrize(
    ("status", "code", "text", "reason"),
    [
        (500, 241, "Code: 241. DB::Exception: memory limit", "too_heavy"),
        (500, 252, "Code: 252. DB::Exception: too many parts", "store_away"),
        (404, 60, "Code: 60. DB::Exception: no such table", "store_away"),
        (403, 516, "Code: 516. DB::Exception: wrong password", "store_away"),
        (500, 0, "Code: 999. DB::Exception: Keeper (no header)", "store_away"),
        (200, 0, "Code: 209. DB::Exception: after the head was sent", "store_away"),
        (502, 0, "<html>Bad Gateway</html>", "store_away"),
        (413, 0, "proxy: too large", "store_away"),
        (500, 49, "Code: 49. DB::Exception: a fault", "store_error"),
        (307, 0, "elsewhere", "store_away"),
    ],
)
async def test_an_error_that_an_operator_can_mend_is_tried_again(
    store: FakeStore, sink: StoreSink, status: int, code: int, text: str, reason: str
) -> None:
    store.fail = lambda _: (status, code, text)
    with pytest.raises(SinkUnavailable) as caught:
        await sink.write(block(b"a;"))
    assert caught.value.reason == reason
    store.fail = lambda _: None
    await sink.write(block(b"a;"))
    assert store.ids["a"] == 1


@pytest.mark.parametrize("code", [444, 33, 117, 561])
async def test_headers_about_the_coding_are_refused(
    store: FakeStore, sink: StoreSink, code: int
) -> None:
    store.fail = lambda _: (400, code, f"Code: {code}. DB::Exception: your bytes")
    with pytest.raises(SinkRejected, match="your bytes"):
        await sink.write(block(b"a;"))


async def test_no_answer_in_time_is_unavailable_and_the_token_heals(
    store: FakeStore, sink: StoreSink
) -> None:
    store.delay = lambda: 1.0
    with pytest.raises(SinkUnavailable) as caught:
        await sink.write(block(b"a;"))
    assert caught.value.reason == "timeout"
    store.delay = lambda: 0.0
    await sink.write(block(b"a;"))
    await asyncio.sleep(0.6)  # until the first try would have got there, were it not cut off
    assert store.ids["a"] == 1


async def test_a_port_without_a_listener_is_unavailable(store: FakeStore) -> None:
    settings = StoreSettings(url=f"http://127.0.0.1:{free_port()}")
    async with aiohttp.ClientSession() as session:
        sink = StoreSink(session, settings, timeout_seconds=1)
        with pytest.raises(SinkUnavailable) as caught:
            await sink.write(block(b"a;"))
        assert caught.value.reason == "connection"
        assert "ping" in await sink.ping()


async def test_a_store_that_is_killed_in_the_middle_is_unavailable() -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        settings = StoreSettings(url=f"http://127.0.0.1:{port}")
        with pytest.raises(SinkUnavailable) as caught:
            await StoreSink(session, settings, timeout_seconds=5).write(block(b"a;" * 100_000))
    assert caught.value.reason == "connection"


async def test_ping(sink: StoreSink) -> None:
    assert await sink.ping() == ""


def test_text_of_a_good_answer_is_no_error() -> None:
    assert code_of(200, "", "") == 0
    assert code_of(200, "", "rows mention Code: 60. DB::Exception somewhere") == 0
