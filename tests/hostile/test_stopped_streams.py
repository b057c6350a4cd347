"""A stream that stands still: said by health, and its head given up by an operator alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from seamark.recovery.heads import Head, heads, skip
from seamark.recovery.stack import RecoveryError
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.signals import Signal, subject
from tests.integration.test_rows_process import Stack
from tests.support.fake_store import FakeStore
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
STREAM = "SEAMARK_events_0"


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    store = await FakeStore().start()
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        made = Stack(server, client, store)
        await made.provision()
        yield made
        await client.close()
    await store.stop()


async def _poison(stack: Stack, number: int) -> None:
    headers = {"Seamark-Frames": "7:receipt", "Nats-Msg-Id": f"poison-{number}"}
    jetstream = stack.client.jetstream(timeout=5)
    await jetstream.publish(subject(Signal.EVENTS, 0), b"POISON;", headers=headers)


async def _head(stack: Stack) -> Head:
    (found,) = [h for h in await heads(stack.client, sinks=("rows",)) if h.stream == STREAM]
    return found


async def _is_head(stack: Stack, sequence: int) -> bool:
    found = await heads(stack.client, sinks=("rows",))
    return any((head.stream, head.sequence) == (STREAM, sequence) for head in found)


async def _until(look: Callable[[], Awaitable[object]]) -> None:
    """Look again and again, as no event tells of it."""
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _stopped(stack: Stack) -> None:
    async def stopped() -> bool:
        return "would be dead-lettered" in await stack.ready(503)

    await _until(stopped)


async def test_the_head_of_a_stopped_stream_is_shown_and_skipped(stack: Stack) -> None:
    await stack.publish(0, 30)
    await _poison(stack, 1)
    await stack.publish(30, 30)
    limits = {"dead_letters_per_minute": 0}
    async with stack.processor(stopped_seconds=0.2, **limits):
        await _stopped(stack)
        assert len(stack.store.ids) == 30
        head = await _head(stack)
        assert (head.sequence, head.messages, head.waiting) == (31, 1, 31)
        assert head.size_bytes == len(b"POISON;")

        told = await skip(stack.client, sink="rows", stream=STREAM, sequence=None)

        assert told.sequence == 31
        await stack.store.holds(60, within_seconds=20)
        await stack.ready()
    stream = await stack.client.jetstream(timeout=5).stream_info("SEAMARK_DEAD")
    assert stream.state.messages == 1
    assert len(stack.store.notices) == 1


async def test_a_skip_gives_up_no_other_message_and_none_that_the_sink_takes(stack: Stack) -> None:
    await stack.publish(0, 3)
    await _poison(stack, 1)
    await stack.publish(3, 3)
    await _poison(stack, 2)
    async with stack.processor(stopped_seconds=0.2, dead_letters_per_minute=0):
        await _stopped(stack)
        await skip(stack.client, sink="rows", stream=STREAM, sequence=4)
        await stack.store.holds(6, within_seconds=20)
        await _until(lambda: _is_head(stack, 8))
        await _stopped(stack)
    stream = await stack.client.jetstream(timeout=5).stream_info("SEAMARK_DEAD")
    assert stream.state.messages == 1


async def test_a_head_at_which_the_store_falls_over_can_be_skipped(stack: Stack) -> None:
    """An error that counts as "the store is away" is tried again for ever, unless a person says."""
    stack.store.fail = lambda token: (503, 0, "gone") if f"{STREAM}:2-" in token else None
    async with stack.processor():
        await stack.publish(0, 1)
        await stack.store.holds(1, within_seconds=20)
        await stack.publish(1, 1)
        await _until(lambda: _is_head(stack, 2))
        await stack.ready(503)
        await skip(stack.client, sink="rows", stream=STREAM, sequence=2)
        await stack.ready()
        await stack.publish(2, 1)
        await stack.store.holds(2, within_seconds=20)
    stream = await stack.client.jetstream(timeout=5).stream_info("SEAMARK_DEAD")
    assert stream.state.messages == 1
    assert set(stack.store.ids) == {"0", "2"}


async def test_only_what_waits_can_be_skipped(stack: Stack) -> None:
    await stack.publish(0, 3)
    async with stack.processor():
        await stack.store.holds(3, within_seconds=20)
        await _until(lambda: _is_head(stack, 0))
        for sequence in (None, 2, 99):
            with pytest.raises(RecoveryError):
                await skip(stack.client, sink="rows", stream=STREAM, sequence=sequence)
        with pytest.raises(RecoveryError, match="SEAMARK_events_7"):
            await skip(stack.client, sink="rows", stream="SEAMARK_events_7", sequence=None)


async def test_a_stream_that_stands_still_is_degraded(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.blocks.stall.STALL_SECONDS", 1.0)
    monkeypatch.setattr("processors.blocks.run._WATCH_SECONDS", 0.2)
    await _poison(stack, 1)
    async with stack.processor(stopped_seconds=0.2, dead_letters_per_minute=0):

        async def degraded() -> list[str]:
            return [row["part"] for row in json.loads(await stack.ready(503))["degraded"]]

        await _until(degraded)
        assert await degraded() == [f"{STREAM} stalled"]
        _, page = await stack.get("/metrics")
        assert f'seamark_processor_stalled{{sink="rows",stream="{STREAM}"}} 1.0' in page
        assert f'seamark_processor_stopped{{sink="rows",stream="{STREAM}"}} 1.0' in page
