"""`python -m processors.archive` between a real log, a real store and a folder of files."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from processors.rows.__main__ import serve as serve_rows
from processors.rows.settings import RowsSettings
from seamark.service.connections import LogSettings, StoreSettings
from seamark.wire.buckets import POSITIONS_BUCKET
from tests.support.archive_stack import (
    EVENTS_EACH,
    FOLDER,
    HOUR_NS,
    NEXT_FOLDER,
    RECEIVED_NS,
    ArchiveStack,
    archive_stack,
    expected,
    frame,
    receipt,
    receipts,
    until,
)
from tests.support.log_streams import add_positions
from tests.support.s3_server import BUCKET, KEY, SECRET, S3Server
from tests.support.store_server import PASSWORD

pytestmark = pytest.mark.integration


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[ArchiveStack]:
    async with archive_stack(tmp_path) as made:
        yield made


async def test_blocks_become_files_that_say_what_they_are(stack: ArchiveStack) -> None:
    process = stack.process()
    await stack.publish(*(frame(n) for n in range(10)), frame(10, events=0))
    await stack.publish(frame(11, received_ns=RECEIVED_NS + HOUR_NS))
    process.start()
    await stack.archived(11 * EVENTS_EACH)
    assert stack.paths() == await stack.live()
    assert {path.rpartition("/")[0] for path in stack.paths()} == {FOLDER, NEXT_FOLDER}
    files = [stack.root / path for path in stack.paths()]
    assert receipts(files) == expected([*range(10), 11])
    ledger = [
        row
        for file in files
        for row in json.loads(pq.read_metadata(file).metadata[b"seamark.ledger"])
    ]
    assert sum(row["accepted"] for row in ledger) == 11 * EVENTS_EACH
    assert sum(row["rejected"].get("too_late", 0) for row in ledger) == 2
    rows = await stack.ask(
        "SELECT toUnixTimestamp(minute), sum(archived) FROM seamark.ledger GROUP BY 1 ORDER BY 1"
    )
    minute = RECEIVED_NS // 60_000_000_000 * 60
    assert rows == [[str(minute), "30"], [str(minute + 3600), "3"]]
    assert process.get("/readyz")[0] == 200
    assert process.metric("seamark_archive_rows_total") == 33
    assert process.end() == 0


async def test_killed_again_and_again_it_archives_each_row_once(stack: ArchiveStack) -> None:
    process = stack.process(merge_every_seconds="0.1", merge_after_seconds="0")
    number = 0
    for round_ in range(4):
        process.start()
        for _ in range(40):
            await stack.publish(frame(number) + frame(number + 1))
            number += 2
        if round_ % 2:  # in the middle of something, or of its start
            await stack.archived_some()
        await asyncio.to_thread(process.end, signal.SIGKILL)
    process.start()
    await stack.archived(number * EVENTS_EACH)
    await stack.settled()
    assert receipts([stack.root / path for path in stack.paths()]) == expected(range(number))
    assert await stack.ask("SELECT sum(archived) FROM seamark.ledger") == [
        [str(number * EVENTS_EACH)]
    ]
    assert process.end() == 0
    assert not list((stack.root / ".incoming").glob("*/*"))


async def test_a_store_that_is_away_is_waited_for(stack: ArchiveStack) -> None:
    process = stack.process()
    process.start()
    await until(lambda: process.get("/readyz")[0] == 200)
    await asyncio.to_thread(stack.store.kill)
    await stack.publish(frame(1))
    await until(lambda: process.metric("seamark_processor_retries_total") > 0)
    assert not process.parts()["SEAMARK_events_0"]["ready"]
    await asyncio.to_thread(stack.store.start)
    await stack.archived(EVENTS_EACH)
    await until(lambda: process.get("/readyz")[0] == 200)


async def test_poison_is_dead_lettered_alone(stack: ArchiveStack) -> None:
    process = stack.process()
    await stack.publish(*(frame(n) for n in range(20)), b"no zstd at all")
    await stack.publish(frame(20)[:-7], *(frame(n) for n in range(21, 40)))
    process.start()
    good = [n for n in range(40) if n != 20]
    await stack.archived(len(good) * EVENTS_EACH)
    assert receipts([stack.root / path for path in stack.paths()]) == expected(good)
    assert process.metric("seamark_processor_dead_letters_total") == 2


async def test_lost_positions_archive_nothing_twice(stack: ArchiveStack) -> None:
    log = stack.client.jetstream(timeout=5)
    process = stack.process(merge_every_seconds="0.1", merge_after_seconds="0")
    process.start()
    for round_ in range(3):
        first = 10 * round_
        await stack.publish(*(frame(n) for n in range(first, first + 10)))
        await stack.archived((first + 10) * EVENTS_EACH)
        await asyncio.to_thread(process.end, signal.SIGKILL)
        await log.delete_key_value(POSITIONS_BUCKET)
        await add_positions(stack.client)
        process.start()
    await stack.publish(frame(30))
    await stack.archived(31 * EVENTS_EACH)
    assert process.end() == 0  # the view behind the manifest is filled, too
    assert await stack.ask("SELECT sum(archived) FROM seamark.ledger") == [["93"]]


async def test_merged_while_it_runs(stack: ArchiveStack) -> None:
    process = stack.process(merge_every_seconds="0.2", merge_after_seconds="0")
    process.start()
    for number in range(8):
        await stack.publish(frame(number))
        await stack.archived((number + 1) * EVENTS_EACH)
    paths = await stack.settled()
    assert receipts([stack.root / paths[0]]) == expected(range(8))
    metadata = pq.read_metadata(stack.root / paths[0]).metadata
    (row,) = json.loads(metadata[b"seamark.ledger"])
    assert row["accepted"] == 8 * EVENTS_EACH
    assert metadata[b"seamark.rows"] == b"24"
    assert await stack.ask("SELECT sum(archived) FROM seamark.ledger") == [["24"]]


async def test_a_bucket_that_is_away_is_waited_for_and_caught_up(
    stack: ArchiveStack, tmp_path: Path
) -> None:
    server = S3Server(tmp_path / "s3").start()
    process = stack.process(
        url=f"s3://{BUCKET}/some/prefix",
        s3_endpoint=server.endpoint,
        s3_region="us-east-1",
        s3_key=KEY,
        s3_secret=SECRET,
        s3_timeout_seconds="3",
        merge_every_seconds="0.2",
        merge_after_seconds="0",
    )
    try:
        process.start()
        await stack.publish(frame(1))
        await stack.archived(EVENTS_EACH)
        server.kill()
        await stack.publish(*(frame(n) for n in range(2, 30)))
        await until(lambda: process.metric("seamark_processor_retries_total") > 0)
        assert "files" in process.parts()["SEAMARK_events_0"]["detail"]
        await until(lambda: process.get("/readyz")[0] == 503)
        await asyncio.to_thread(server.start)
        await stack.archived(29 * EVENTS_EACH)
        await until(lambda: process.metric("seamark_archive_merges_total") > 0)
        await until(lambda: len(server.objects()) == 1)
        assert receipts(list(server.objects().values())) == expected(range(1, 30))
        (path,) = await stack.live()
        assert list(server.objects()) == [f"some/prefix/{path}"]
        assert await stack.ask("SELECT sum(archived) FROM seamark.ledger") == [["87"]]
        assert SECRET not in process.log.read_text()
        assert process.end() == 0
    finally:
        server.kill()


async def test_rows_and_archive_hold_the_same_whatever_is_killed(stack: ArchiveStack) -> None:
    """The rows of the raw table, written by the processor `rows`, and those of the files."""
    archive = stack.process(merge_every_seconds="0.1", merge_after_seconds="0")
    stop = asyncio.Event()
    rows = asyncio.create_task(
        serve_rows(
            RowsSettings(port=0, block_age_seconds=0.1, state_path=str(stack.folder / "rows")),
            LogSettings(url=stack.server.url, partitions=1),
            StoreSettings(url=stack.store.url, password=PASSWORD),
            stop,
        )
    )
    number = 0
    for round_ in range(3):
        archive.start()
        for _ in range(30):
            batch = frame(number)
            headers = {"Seamark-Frames": f"{len(batch)}:{receipt(number)}"}
            for _ in range(1 + number % 2):  # every other one is sent again
                await stack.publish(batch, headers=headers)
            number += 1
        await stack.archived_some()
        if round_ == 1:
            await asyncio.to_thread(stack.store.kill)
            await asyncio.to_thread(stack.store.start)
        await asyncio.to_thread(archive.end, signal.SIGKILL)
    archive.start()
    await stack.archived(number * EVENTS_EACH)
    await stack.settled()
    stored = await stack.rows_of_receipts(number * EVENTS_EACH)
    assert (
        receipts([stack.root / path for path in stack.paths()]) == stored == expected(range(number))
    )
    accounted = await stack.ask("SELECT sum(stored), sum(archived) FROM seamark.ledger")
    assert accounted == [[str(number * EVENTS_EACH)] * 2]
    stop.set()
    assert await asyncio.wait_for(rows, 20) == 0
