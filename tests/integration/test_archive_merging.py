"""Merging broken off at every single step, and taken up again: no row is lost, none is doubled.

Files and engine are real. The manifest and the record are kept in memory by the rules of the real
ones, which `test_archive_process.py` runs against a store and a log.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from processors.archive.codec import ArchiveCodec
from processors.archive.connection import EngineFailed
from processors.archive.engine_threads import EngineThreads
from processors.archive.files import LIVE, REPLACED, ArchiveFile
from processors.archive.intents import Intent
from processors.archive.layout import hour_of
from processors.archive.merging import MergeLimits, Merger
from processors.archive.objects import FolderObjects
from processors.archive.plan import Merge, MergeProgress
from processors.archive.sink import ArchiveSink
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.positions import Fenced
from processors.blocks.sink import Block
from seamark.wire.signals import Signal
from tests.support.archive_engine import shared_engine
from tests.support.archive_stack import EVENTS_EACH, expected, frame, receipts

pytestmark = pytest.mark.integration
STREAM = "SEAMARK_events_0"


class Broken(Exception):
    """The process died here."""


class Fuse:
    """Breaks at the n-th step, before or after it is done; 0: never."""

    def __init__(self) -> None:
        self.left = 0

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        self._burn()
        yield
        self._burn()

    def _burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Broken


class FakeManifest:
    """`Manifest` in memory: the row of the highest version counts, a token counts once."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._rows: dict[str, ArchiveFile] = {}
        self._tokens: set[str] = set()
        self.archived = 0

    async def add(self, files: Sequence[ArchiveFile], *, token: str) -> None:
        async with self._fuse.step():
            if token in self._tokens:
                return
            self._tokens.add(token)
            for file in files:
                known = self._rows.get(file.path)
                if known is None or known.version < file.version:
                    self._rows[file.path] = file
                if file.state == LIVE and file.stream:
                    self.archived += sum(count.rows for count in file.counts)

    async def named(self, signal: Signal, name: str) -> list[ArchiveFile]:
        return [file for path, file in self._rows.items() if path.endswith(f"/{name}")]

    async def small(self, *, below_bytes: int, limit: int) -> list[ArchiveFile]:
        return [file for file in self.live() if file.bytes < below_bytes]

    async def files(self, signal: Signal, paths: Sequence[str]) -> list[ArchiveFile]:
        return [self._rows[path] for path in paths if path in self._rows]

    def live(self) -> list[ArchiveFile]:
        return [file for file in self._rows.values() if file.state == LIVE]


class FakeIntents:
    """The record in memory."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._intent = Intent(None, 0)

    async def read(self) -> Intent:
        return self._intent

    async def write(self, merge: Merge | None, *, revision: int) -> Intent:
        async with self._fuse.step():
            if revision != self._intent.revision:
                raise Fenced("merge.archive")
            self._intent = Intent(merge, revision + 1)
            return self._intent


class FragileObjects(FolderObjects):
    """A folder whose process dies at its steps."""

    def __init__(self, root: Path, fuse: Fuse) -> None:
        super().__init__(root)
        self._fuse = fuse

    def put(self, file: Path, path: str) -> None:
        asyncio.run(self._step(lambda: FolderObjects.put(self, file, path)))

    def delete(self, path: str) -> None:
        asyncio.run(self._step(lambda: FolderObjects.delete(self, path)))

    async def _step(self, action: object) -> None:
        async with self._fuse.step():
            assert callable(action)
            action()


class AllPassed:
    """Every stream has been read up to now."""

    async def progress(self, signal: Signal) -> Sequence[MergeProgress]:
        return [MergeProgress(STREAM, time.time_ns() // 1_000_000)]


class Bench:
    """An archive whose process can be started anew at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "archive"
        self.fuse = Fuse()
        self.manifest = FakeManifest(self.fuse)
        self.intents = FakeIntents(self.fuse)
        self.numbers: list[int] = []
        self.start()

    def start(self) -> None:
        """Start the process anew, as after a crash."""
        objects = FragileObjects(self.root, self.fuse)
        engine_threads = EngineThreads(
            objects, state=self.folder, codec=ArchiveCodec(), open_engine=shared_engine
        )
        self.sink = ArchiveSink(engine_threads, self.manifest)  # type: ignore[arg-type]  # in memory
        self.merger = Merger(
            engine_threads=engine_threads,
            manifest=self.manifest,  # type: ignore[arg-type]
            intents=self.intents,
            progress=AllPassed(),
            limits=MergeLimits(target_bytes=10**9, slack_ms=0),
        )

    def block(self, first: int, count: int) -> Block:
        """A block of frames that are counted as published."""
        messages = [NatsMessage(n, 1, 0, 0.0, frame(n)) for n in range(first, first + count)]
        return Block(Signal.EVENTS, STREAM, f"{STREAM}:{first}-{first + count - 1}:1", messages)

    async def archive(self, blocks: int, each: int = 3) -> None:
        """Write blocks as a healthy process does."""
        for _ in range(blocks):
            first = len(self.numbers) + 1
            await self.sink.write(self.block(first, each))
            self.numbers += range(first, first + each)

    async def merge_all(self) -> None:
        """Until there is nothing to merge."""
        while await self.merger.step():
            pass

    def check(self, *, files: int | None = None) -> None:
        """Rows of the live files, and of the files that are there, are those archived, once."""
        live = sorted(file.path for file in self.manifest.live())
        there = sorted(
            str(path.relative_to(self.root)) for path in self.root.glob("signal=*/**/*.parquet")
        )
        assert there == live
        assert files is None or len(live) == files
        assert receipts([self.root / path for path in live]) == expected(self.numbers)
        assert sum(file.rows for file in self.manifest.live()) == len(self.numbers) * EVENTS_EACH
        assert self.manifest.archived == len(self.numbers) * EVENTS_EACH
        for file in self.manifest.live():
            metadata = pq.read_metadata(self.root / file.path).metadata
            assert int(metadata[b"seamark.rows"]) == file.rows
            assert sum(count.rows for count in file.counts) == file.rows


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.slow
async def test_broken_off_at_every_step_a_merge_is_finished(bench: Bench) -> None:
    await bench.archive(3)
    step = 0
    while True:
        step += 1
        bench.fuse.left = step
        try:
            await bench.merge_all()
        except Broken:
            bench.start()
            bench.fuse.left = 0
            await bench.merge_all()
            bench.check(files=1)
            await bench.archive(3, each=2)
            continue
        break
    assert step > 12  # record, file, manifest, four deletions, record: before and after each
    bench.fuse.left = 0
    bench.check(files=1)


async def test_broken_off_at_every_step_a_block_is_written_once(bench: Bench) -> None:
    for step in range(1, 8):  # file, manifest; the manifest again: before and after each
        block = bench.block(len(bench.numbers) + 1, 2)
        bench.fuse.left = step
        try:
            await bench.sink.write(block)
            await bench.sink.write(block)  # the position was not recorded
        except Broken:
            bench.start()
        broken, bench.fuse.left = bench.fuse.left == 0, 0
        assert broken == (step < 7)
        await bench.sink.write(block)
        bench.numbers += range(len(bench.numbers) + 1, len(bench.numbers) + 3)
        bench.check()
        await bench.merge_all()
        await bench.sink.write(block)  # nor now, though its files have been replaced
        bench.check(files=1)


async def test_two_that_merge_at_once_do_no_harm(bench: Bench) -> None:
    await bench.archive(4)
    rival = Bench.__new__(Bench)
    rival.__dict__ |= bench.__dict__
    rival.start()
    bench.fuse.left = 2  # recorded, and gone
    with pytest.raises(Broken):
        await bench.merger.step()
    assert await rival.merger.step()
    bench.check(files=1)
    await bench.archive(2)
    first, second = await asyncio.gather(
        bench.merge_all(), rival.merge_all(), return_exceptions=True
    )
    # the loser of the race reports it, also when a file was deleted while its engine read it
    lost = {type(None), Fenced, FileNotFoundError, EngineFailed}
    assert {type(one) for one in (first, second)} <= lost
    await bench.merge_all()
    bench.check(files=1)


async def test_a_damaged_file_is_not_merged_and_nothing_is_deleted(bench: Bench) -> None:
    await bench.archive(3)
    path = bench.root / bench.manifest.live()[1].path
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    await bench.merge_all()
    assert len(bench.manifest.live()) == 3
    assert len(list(bench.root.glob("signal=*/**/*.parquet"))) == 3
    assert len(bench.merger.damaged) == 1
    assert not list(bench.merger.engine_threads.objects.work.iterdir())


async def test_a_manifest_that_lost_its_rows_costs_no_file(bench: Bench) -> None:
    await bench.archive(2)
    bench.manifest._rows.clear()
    await bench.archive(2)
    await bench.merge_all()
    files = list(bench.root.glob("signal=*/**/*.parquet"))
    assert len(files) == 3
    assert receipts(files) == expected(bench.numbers)


async def test_an_hour_that_is_not_over_is_left(bench: Bench) -> None:
    await bench.archive(2)

    class Behind:
        async def progress(self, signal: Signal) -> Sequence[MergeProgress]:
            end = hour_of(bench.manifest.live()[0].path).end_ms
            return [MergeProgress(STREAM, end + 1), MergeProgress("SEAMARK_events_1", end - 1)]

    bench.merger.progress = Behind()
    assert not await bench.merger.step()
    bench.check(files=2)


async def test_what_is_replaced_is_reported(bench: Bench) -> None:
    await bench.archive(3)
    paths = {file.path for file in bench.manifest.live()}
    await bench.merge_all()
    (merged,) = bench.manifest.live()
    assert set(merged.replaces) == paths
    assert merged.stream == ""
    states = {file.state for file in await bench.manifest.files(Signal.EVENTS, sorted(paths))}
    assert states == {REPLACED}
