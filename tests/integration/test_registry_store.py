"""Writes name the revision they were made from: none is lost, none half done, one wins."""

import asyncio
import random

import msgspec
import pytest
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.service.registry.names import app_key, org_key
from seamark.service.registry.records import AppRecord, OrgRecord, UnreadableRecord
from seamark.service.registry.store import Conflict, RecordStore, RecordsUnavailable, Stored
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
ACME = OrgRecord(org="acme", name="Acme")


@pytest.fixture
async def bucket(client: NatsClient) -> KeyValue:
    return await client.jetstream(timeout=1).create_key_value(bucket=CONFIG_BUCKET)


async def test_a_record_is_made_once(bucket: KeyValue) -> None:
    store = RecordStore(bucket)
    made = await store.create(ACME)

    for second in (ACME, OrgRecord(org="acme", name="Another")):  # another writer's, if alike
        with pytest.raises(Conflict) as lost:
            await store.create(second)
        assert lost.value.current == Stored(ACME, made)


async def test_a_write_on_an_old_revision_is_told_what_came_first(bucket: KeyValue) -> None:
    store = RecordStore(bucket)
    made = await store.create(ACME)
    newer = OrgRecord(org="acme", name="Acme Ltd")
    second = await store.update(newer, revision=made)

    with pytest.raises(Conflict) as lost:
        await store.update(OrgRecord(org="acme", name="Acme Inc"), revision=made)
    assert (lost.value.current.record, lost.value.current.revision) == (newer, second)
    with pytest.raises(Conflict):
        await store.delete(org_key("acme"), revision=made)
    await store.delete(org_key("acme"), revision=second)
    assert (await store.read(org_key("acme"))).record is None


async def test_a_deleted_name_can_be_made_anew_but_not_by_the_first_start(
    bucket: KeyValue,
) -> None:
    store = RecordStore(bucket)
    assert await store.create_first(ACME)
    assert not await store.create_first(ACME)
    current = await store.read(org_key("acme"))
    await store.delete(org_key("acme"), revision=current.revision)

    assert not await store.create_first(ACME)
    assert await store.create(ACME) > current.revision


async def test_an_unreadable_record_is_neither_read_nor_replaced(bucket: KeyValue) -> None:
    store = RecordStore(bucket)
    revision = await bucket.put("org.acme", b"{")

    with pytest.raises(UnreadableRecord):
        await store.read("org.acme")
    with pytest.raises(UnreadableRecord):
        await store.create(ACME)
    assert await store.update(ACME, revision=revision) > revision  # mended knowingly


async def test_a_record_that_could_not_be_read_is_not_written(bucket: KeyValue) -> None:
    store = RecordStore(bucket)
    for record in (
        AppRecord(org="acme", app="sh.op"),
        AppRecord(org="acme", app="shop\n"),
        AppRecord(org="acme", app="shop", sampling_rate=2.0),
    ):
        with pytest.raises(ValueError, match=r"is no name|Expected `float`"):
            await store.create(record)


async def test_without_the_log_nothing_is_said_to_be_done(
    bucket: KeyValue, client: NatsClient, server: NatsServer
) -> None:
    store = RecordStore(bucket)
    made = await store.create(ACME)
    server.kill()

    with pytest.raises(RecordsUnavailable):
        await store.update(OrgRecord(org="acme", name="x"), revision=made)
    with pytest.raises(RecordsUnavailable):
        await store.delete(org_key("acme"), revision=made)
    server.start()
    async with asyncio.timeout(10):
        await client.flush()
    assert (await store.read(org_key("acme"))).revision >= made


@pytest.mark.parametrize("seed", range(3))
async def test_no_update_of_concurrent_writers_is_lost(bucket: KeyValue, seed: int) -> None:
    """Each writer adds its mark until it has; deletions and creations lie in between."""
    store, chance = RecordStore(bucket), random.Random(seed)
    key = app_key("acme", "shop")
    await store.create(AppRecord(org="acme", app="shop", origins=[]))
    deleted: list[str] = []

    async def add(mark: str) -> None:
        while True:
            current = await store.read(key)
            record = current.record or AppRecord(org="acme", app="shop", origins=[])
            assert isinstance(record, AppRecord)
            await asyncio.sleep(chance.random() / 200)
            wanted = msgspec.structs.replace(record, origins=[*record.origins, mark])
            try:
                await store.update(wanted, revision=current.revision)
            except Conflict:
                continue
            return

    async def delete() -> None:
        current = await store.read(key)
        if isinstance(current.record, AppRecord):
            try:
                await store.delete(key, revision=current.revision)
            except Conflict:
                return
            deleted.extend(current.record.origins)

    marks = [f"https://m{n}.example" for n in range(24)]
    await asyncio.gather(*map(add, marks), *(delete() for _ in range(3)))

    left = (await store.read(key)).record
    kept = left.origins if isinstance(left, AppRecord) else []
    assert sorted([*deleted, *kept]) == sorted(marks)
