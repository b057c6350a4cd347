"""The circuit breaker of the store: a slow statement is waited for, a store that hangs is not."""

import asyncio

import pytest

from api.breaker import Breaker, StoreHangs

pytestmark = pytest.mark.asyncio


class Hung:
    """A store whose statements and pings hang while it is stopped."""

    def __init__(self) -> None:
        self.goes = asyncio.Event()
        self.pings = 0

    async def ping(self) -> str:
        self.pings += 1
        await self.goes.wait()
        return ""

    async def statement(self) -> int:
        await self.goes.wait()
        return 7


async def test_what_waits_for_a_store_that_hangs_fails_and_what_comes_next_at_once() -> None:
    store = Hung()
    breaker = Breaker(store.ping, slow_seconds=0.02, ping_seconds=0.02)
    waiting = [asyncio.create_task(breaker.run(store.statement())) for _ in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=5)
    assert {type(task.exception()) for task in done} == {StoreHangs}
    assert len(done) == 5
    with pytest.raises(StoreHangs):
        await breaker.run(store.statement())

    store.goes.set()
    async with asyncio.timeout(5):
        await breaker.back()
    assert await breaker.run(store.statement()) == 7
    await breaker.close()


async def test_a_slow_statement_of_a_store_that_answers_is_waited_for() -> None:
    async def alive() -> str:
        return ""

    async def slow() -> int:
        await asyncio.sleep(0.1)
        return 7

    breaker = Breaker(alive, slow_seconds=0.01, ping_seconds=1.0)
    assert await breaker.run(slow()) == 7
    await breaker.close()


async def test_who_hangs_up_ends_the_statement() -> None:
    store = Hung()
    ended = asyncio.Event()

    async def statement() -> None:
        try:
            await store.goes.wait()
        finally:
            ended.set()

    breaker = Breaker(store.ping, slow_seconds=1.0)
    asked = asyncio.create_task(breaker.run(statement()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    async with asyncio.timeout(5):
        await ended.wait()
    await breaker.close()
