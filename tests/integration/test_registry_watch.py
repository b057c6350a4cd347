"""A change is in every registry within a second, whatever happened to the log in between."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.service.connections import LogSettings, connect_log
from seamark.service.health import Health
from seamark.service.registry import AppRecord, OrgRecord, Registry, put_record
from seamark.service.registry.spread import reached_all
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
WITHIN_SECONDS = 1.0
AT_MOST_SECONDS = 5.0
"""Of one change among several: a busy machine may pause; without our watch it takes ten."""


@pytest.fixture
async def bucket(client: NatsClient) -> KeyValue:
    return await client.jetstream().create_key_value(bucket=CONFIG_BUCKET)


@pytest.fixture
async def watching(server: NatsServer, bucket: KeyValue) -> AsyncIterator[tuple[Registry, Health]]:
    """A registry on a connection of its own, loaded."""
    other = await connect_log(LogSettings(url=server.url), name="watching")
    health = Health()
    registry = Registry(health)
    await registry.start(other)
    yield registry, health
    await registry.stop()
    await other.close()


async def change(bucket: KeyValue, name: str) -> int:
    """Write the org, again until the log takes it; its revision."""
    record = msgspec.json.encode(OrgRecord(org="acme", name=name))
    async with asyncio.timeout(20):
        while True:
            try:
                return await bucket.put("org.acme", record)
            except Exception:  # noqa: S112  # whatever a dead server makes of it
                continue


async def seen(registry: Registry, bucket: KeyValue, name: str) -> float:
    """Change the org; the seconds until the registry has it."""
    revision = await change(bucket, name)
    began = time.monotonic()
    assert await registry.reached(revision, seconds=10)
    assert registry.orgs["acme"].name == name
    return time.monotonic() - began


def within_a_second(took: list[float]) -> bool:
    """Whether the changes were seen in time, but for one that met a pause of the machine."""
    *most, longest = sorted(took)
    return max(most) < WITHIN_SECONDS and longest < AT_MOST_SECONDS


async def test_a_change_arrives_as_it_is_made(
    watching: tuple[Registry, Health], bucket: KeyValue
) -> None:
    registry, health = watching
    assert health.ready
    took = [await seen(registry, bucket, f"Acme {turn}") for turn in range(20)]
    assert within_a_second(took), took
    await bucket.delete("org.acme")
    assert await registry.reached(21, seconds=AT_MOST_SECONDS)
    assert not registry.orgs


async def test_a_change_arrives_after_the_log_was_killed(
    watching: tuple[Registry, Health], bucket: KeyValue, server: NatsServer
) -> None:
    """The consumer died with the server; the client would look for it after ten seconds."""
    registry, health = watching
    took = []
    for turn in range(3):
        server.kill()
        server.start()
        took.append(await seen(registry, bucket, f"Acme {turn}"))
    assert within_a_second(took), took
    assert not health.degraded()


async def test_a_change_arrives_when_the_consumer_is_gone(
    watching: tuple[Registry, Health], bucket: KeyValue, client: NatsClient
) -> None:
    registry, _ = watching
    js = client.jetstream()
    took = []
    for turn in range(3):
        [consumer] = await js.consumers_info(f"KV_{CONFIG_BUCKET}")
        await js.delete_consumer(f"KV_{CONFIG_BUCKET}", consumer.name)
        took.append(await seen(registry, bucket, f"Acme {turn}"))
    assert within_a_second(took), took


async def test_what_was_deleted_without_a_word_is_gone_after_a_kill(
    watching: tuple[Registry, Health],
    bucket: KeyValue,
    client: NatsClient,
    server: NatsServer,
) -> None:
    registry, _ = watching
    await put_record(bucket, AppRecord(org="acme", app="shop"))
    await seen(registry, bucket, "Acme")
    server.kill()
    server.start()
    await change(bucket, "Acme 2")
    await client.jetstream().purge_stream(
        f"KV_{CONFIG_BUCKET}", subject=f"$KV.{CONFIG_BUCKET}.app.acme.shop"
    )
    server.kill()
    server.start()
    assert await seen(registry, bucket, "Acme 3") < AT_MOST_SECONDS
    assert registry.app("acme", "shop") is None


async def test_reached_all_waits_for_the_revision_of_every_watch(
    watching: tuple[Registry, Health], bucket: KeyValue, client: NatsClient
) -> None:
    registry, _ = watching
    revision = await change(bucket, "Acme")

    assert await reached_all(client.jetstream(), revision, seconds=10)
    assert registry.revision == revision
    assert not await reached_all(client.jetstream(), revision + 1, seconds=0.2)
    await registry.stop()


async def test_what_is_not_here_may_be_somewhere_while_the_log_is_away(
    watching: tuple[Registry, Health], bucket: KeyValue, server: NatsServer
) -> None:
    registry, _ = watching
    told = [registry.current]
    server.kill()
    async with asyncio.timeout(10):
        while told[-1]:
            await asyncio.sleep(0.01)
            told.append(registry.current)
    server.start()
    await seen(registry, bucket, "Acme")
    assert registry.current
