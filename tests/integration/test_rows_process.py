"""The whole processor in one process: a real log, a store that can fail, its routes."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client as NatsClient

from processors.rows.__main__ import serve
from processors.rows.settings import RowsSettings
from seamark.service.connections import LogSettings, StoreSettings, connect_log
from seamark.wire.buckets import dead_subject
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.envelopes import read_payload
from tests.support.fake_store import FakeStore
from tests.support.log_streams import add_dead_letters, add_positions, add_stream
from tests.support.servers import NatsServer, free_port

pytestmark = pytest.mark.integration


class Stack:
    """A log, a store, and the processor between them."""

    def __init__(self, server: NatsServer, client: NatsClient, store: FakeStore) -> None:
        self.server = server
        self.client = client
        self.store = store
        self.port = free_port()
        self._jetstream = client.jetstream(timeout=5)

    async def provision(self) -> None:
        await add_positions(self.client)
        await add_dead_letters(self.client)
        for signal in Signal:
            await add_stream(self.client, stream_name(signal, 0), subject(signal, 0))

    async def publish(self, first: int, count: int, *, signal: Signal = Signal.EVENTS) -> None:
        await asyncio.gather(
            *(
                self._jetstream.publish(
                    subject(signal, 0), b"%d;" % n, headers={"Nats-Msg-Id": str(n)}
                )
                for n in range(first, first + count)
            )
        )

    @asynccontextmanager
    async def processor(self, **options: Any) -> AsyncIterator[None]:
        """`python -m processors.rows`, without the process."""
        stop = asyncio.Event()
        settings = RowsSettings(
            port=self.port,
            block_age_seconds=0.05,
            insert_timeout_seconds=2.0,
            log_level="debug",
            **options,
        )
        task = asyncio.create_task(
            serve(
                settings,
                LogSettings(url=self.server.url, partitions=1),
                StoreSettings(url=self.store.url),
                stop,
            )
        )
        try:
            yield
        finally:
            stop.set()
            assert await asyncio.wait_for(task, 10) == 0

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def ready(self, wanted: int = 200) -> str:
        """The body of /readyz once it has the wanted status."""
        async with asyncio.timeout(10):
            while True:
                try:
                    status, text = await self.get("/readyz")
                except aiohttp.ClientError:
                    status, text = 0, ""
                if status == wanted:
                    return text
                await asyncio.sleep(0.02)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    store = await FakeStore().start()
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        yield Stack(server, client, store)
        await client.close()
    await store.stop()


async def test_all_four_signals_arrive_in_their_tables(stack: Stack) -> None:
    await stack.provision()
    async with stack.processor():
        await stack.ready()
        for n, signal in enumerate(Signal):
            await stack.publish(n * 100, 20, signal=signal)
        await stack.store.holds(80, within_seconds=10)
    assert set(stack.store.ids.values()) == {1}
    assert {r["query"].split()[2] for r in stack.store.requests} == {
        f"seamark.in_{signal.value}" for signal in Signal
    }


async def test_it_waits_for_provisioning_and_logs_that(stack: Stack) -> None:
    async with stack.processor():
        text = await stack.ready(503)
        assert (await stack.get("/livez"))[0] == 200
        assert "SEAMARK_events_0" in text
        await stack.provision()
        await stack.ready()
        await stack.publish(0, 5)
        await stack.store.holds(5, within_seconds=10)


async def test_a_restart_sends_nothing_again(stack: Stack) -> None:
    await stack.provision()
    for start in (0, 50, 100):
        async with stack.processor():
            await stack.publish(start, 50)
            await stack.store.holds(start + 50, within_seconds=10)
    assert stack.store.ids == Counter(str(n) for n in range(150))
    assert stack.store.repeats == 0


async def test_an_outage_of_the_store_shows_and_passes(stack: Stack) -> None:
    await stack.provision()
    async with stack.processor():
        await stack.ready()
        stack.store.fail = lambda _: (500, 241, "Code: 241. DB::Exception: memory")
        await stack.publish(0, 10)
        parts = json.loads(await stack.ready(503))["parts"]
        (down,) = [part for part in parts if not part["ready"]]
        assert down["name"] == "SEAMARK_events_0"
        assert "241" in down["detail"]
        stack.store.fail = lambda _: None
        await stack.store.holds(10, within_seconds=10)
        await stack.ready()
    assert set(stack.store.ids.values()) == {1}


async def test_a_killed_log_is_read_on_where_it_was(stack: Stack) -> None:
    await stack.provision()
    async with stack.processor():
        await stack.publish(0, 30)
        await stack.store.holds(30, within_seconds=10)
        stack.server.kill()
        await stack.ready(503)
        stack.server.start()
        async with asyncio.timeout(15):
            while not stack.client.is_connected:  # noqa: ASYNC110  # nats-py has no event for it
                await asyncio.sleep(0.02)
        await stack.publish(30, 30)
        await stack.store.holds(60, within_seconds=10)
    assert set(stack.store.ids.values()) == {1}


async def test_a_poisoned_block_loses_one_message_to_the_dead_letters(stack: Stack) -> None:
    await stack.provision()
    jetstream = stack.client.jetstream(timeout=5)
    await stack.publish(0, 30)
    headers = {"Seamark-Frames": "7:receipt"}
    await jetstream.publish(subject(Signal.EVENTS, 0), b"POISON;", headers=headers)
    await stack.publish(30, 30)
    async with stack.processor():
        await stack.store.holds(60, within_seconds=10)
    dead_letter = await jetstream.get_msg("SEAMARK_DEAD", 1)
    assert dead_letter.subject == dead_subject("rows", "", size=7, sequence=31)
    assert dead_letter.data == b"POISON;"
    assert dead_letter.headers is not None
    assert dead_letter.headers["Seamark-Stream"] == "SEAMARK_events_0"
    assert dead_letter.headers["Seamark-Sequence"] == "31"
    assert dead_letter.headers["Seamark-Frame"] == "0"
    assert dead_letter.headers["Seamark-Reason"].startswith(
        "bytes_refused: unknown_protobuf_format"
    )
    assert dead_letter.headers["Seamark-Frames"] == "7:receipt:"
    assert (await jetstream.stream_info("SEAMARK_DEAD")).state.messages == 1
    ((token, notice),) = stack.store.notices.items()
    assert token.endswith("/0/notice")
    assert read_payload(notice)[0].dead_letters[0].name == "SEAMARK_events_0:31:0"
    assert set(stack.store.ids.values()) == {1}


async def test_metrics_name_the_stream_and_its_lag(stack: Stack) -> None:
    await stack.provision()
    async with stack.processor():
        await stack.publish(0, 5)
        await stack.store.holds(5, within_seconds=10)
        await stack.ready()
        _, text = await stack.get("/metrics")
    labels = '{sink="rows",stream="SEAMARK_events_0"}'
    assert f"seamark_processor_lag_messages{labels}" in text
    assert f"seamark_processor_position{labels} 5.0" in text
    assert "seamark_processor_insert_seconds_bucket" in text
