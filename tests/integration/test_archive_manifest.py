"""The manifest in a real store: rows come back as they went in, once, the latest of each path."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import aiohttp
import msgspec
import pytest

from processors.archive.engine_threads import EngineThreads
from processors.archive.files import LIVE, REPLACED, ArchiveFile, Count
from processors.archive.layout import Hour, block_name
from processors.archive.manifest import Manifest
from processors.archive.sink import ArchiveSink
from processors.blocks.sink import Block, SinkUnavailable
from seamark.service.connections import StoreSettings
from seamark.wire.signals import Signal
from tests.support.archive_stack import migrate
from tests.support.servers import free_port
from tests.support.store_server import PASSWORD, StoreServer

pytestmark = pytest.mark.integration
HOUR = Hour(Signal.TRACES, 498_699)


def file(number: int, *, hour: Hour = HOUR, size: int = 100) -> ArchiveFile:
    minute = hour.number * 3600
    return ArchiveFile(
        path=f"{hour.folder}/part-{number}.parquet",
        signal=hour.signal,
        stream="SEAMARK_traces_0",
        first_sequence=number,
        last_sequence=number + 1,
        rows=7,
        bytes=size,
        sha256="ab" * 32,
        min_received=minute * 1000 + number,
        max_received=minute * 1000 + 999,
        min_time=-5_000,
        max_time=minute * 1000,
        written_at=minute * 1000 + 5,
        version=1,
        counts=(Count("acme", "it's", minute, "k", 3), Count("acme", "b\\", minute + 60, "", 4)),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[StoreServer]:
    with StoreServer(tmp_path / "store", fsync="false") as server:
        await asyncio.to_thread(migrate, server)
        yield server


async def test_the_manifest_keeps_what_is_added(store: StoreServer) -> None:
    settings = StoreSettings(url=store.url, password=PASSWORD)
    async with aiohttp.ClientSession() as session:
        manifest = Manifest(session, settings, timeout_seconds=30)
        first, second = file(1), file(2)
        for _ in range(2):  # sent again: no harm
            await manifest.add([first, second], token="a")
        paths = [first.path, second.path, f"{HOUR.folder}/part-9.parquet"]
        assert await manifest.files(Signal.TRACES, paths) == [first, second]
        assert await manifest.named(Signal.TRACES, "part-2.parquet") == [second]
        assert await manifest.named(Signal.LOGS, "part-2.parquet") == []
        assert await asyncio.to_thread(
            store.rows, "SELECT app, sum(archived) FROM seamark.ledger GROUP BY 1 ORDER BY 1"
        ) == [["b\\\\", "8"], ["it\\'s", "6"]]

        merged = msgspec.structs.replace(
            file(3, size=200), stream="", replaces=(first.path, second.path), version=5
        )
        old = [msgspec.structs.replace(one, state=REPLACED, version=5) for one in (first, second)]
        for _ in range(2):
            await manifest.add([merged, *old], token="b")
        assert [one.state for one in await manifest.files(Signal.TRACES, paths[:2])] == [
            REPLACED
        ] * 2
        (found,) = await manifest.files(Signal.TRACES, [merged.path])
        assert found == merged
        assert found.state == LIVE
        assert await manifest.named(Signal.TRACES, "part-2.parquet") == [old[1]]
        assert await asyncio.to_thread(store.rows, "SELECT sum(archived) FROM seamark.ledger") == [
            ["14"]
        ]


async def test_a_block_sent_again_makes_a_broken_off_insert_whole(store: StoreServer) -> None:
    """The manifest was written, and then the store died before the ledger was."""
    token = "SEAMARK_traces_0:1-2:5"
    whole = msgspec.structs.replace(file(1), path=f"{HOUR.folder}/{block_name(token)}")
    settings = StoreSettings(url=store.url, password=PASSWORD)
    archived = "SELECT sum(archived) FROM seamark.ledger"

    async def run(sql: str) -> None:
        answer = await asyncio.to_thread(store.ask, sql)
        assert answer.status == 200, answer.body

    async with aiohttp.ClientSession() as session:
        manifest = Manifest(session, settings, timeout_seconds=30)
        await run("DETACH TABLE seamark.ledger_archived_view")
        await manifest.add([whole], token=token)
        await run("ATTACH TABLE seamark.ledger_archived_view")
        assert await asyncio.to_thread(store.rows, archived) == [["0"]]

        sink = ArchiveSink(cast("EngineThreads", None), manifest)  # nothing is to be made
        for _ in range(2):
            await sink.write(Block(Signal.TRACES, "SEAMARK_traces_0", token, []))

        assert await asyncio.to_thread(store.rows, archived) == [["7"]]


async def test_small_files_that_have_company_are_found_oldest_first(store: StoreServer) -> None:
    settings = StoreSettings(url=store.url, password=PASSWORD)
    later = Hour(Signal.EVENTS, HOUR.number + 1)
    alone = Hour(Signal.EVENTS, HOUR.number + 2)
    files = [file(n, hour=later) for n in range(3)] + [file(n) for n in range(2)]
    large = file(9, size=10_000)
    async with aiohttp.ClientSession() as session:
        manifest = Manifest(session, settings, timeout_seconds=30)
        await manifest.add([*files, large, file(1, hour=alone)], token="a")
        found = await manifest.small(below_bytes=10_000, limit=10)
        assert found == [*files[3:], *files[:3]]
        assert len(await manifest.small(below_bytes=10_000, limit=3)) == 3
        assert len(await manifest.small(below_bytes=10_001, limit=10)) == 6


async def test_a_store_that_is_away_or_refuses_is_unavailable(store: StoreServer) -> None:
    for settings, reason in (
        (StoreSettings(url=f"http://127.0.0.1:{free_port()}"), "store_away"),
        (StoreSettings(url=store.url, password="wrong"), "store_away"),
        (StoreSettings(url=store.url, password=PASSWORD, database="other"), "store_away"),
    ):
        async with aiohttp.ClientSession() as session:
            manifest = Manifest(session, settings, timeout_seconds=5)
            with pytest.raises(SinkUnavailable) as caught:
                await manifest.add([file(1)], token="a")
            assert caught.value.reason == reason
