"""The threads in which files are made: one for blocks, one for merges, one for what waits for disks
and servers. The engine is opened when the first of them is needed, because an idle one is 250 MB.
"""

import asyncio
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from processors.archive.codec import ArchiveCodec
from processors.archive.connection import EngineFailed, connect_in
from processors.archive.engine import MEMORY_BYTES, ArchiveEngine, Made
from processors.archive.files import Facts
from processors.archive.footer import add_metadata
from processors.archive.objects import Objects, own_folder
from processors.blocks.reasons import SinkReason
from seamark.wire.signals import Signal

_T = TypeVar("_T")
_READ_BYTES: Final = 1024 * 1024
_FAILURES: Final = 5


class EngineThreads:
    """Everything that blocks. A call that is cancelled goes on in its thread and harms nothing.

    `engine_failed` is set when the engine has failed several times in a row: an engine that met a
    full disk while it was opened fails for good, and a process can open only one.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        state: Path,
        codec: ArchiveCodec,
        memory_bytes: int = MEMORY_BYTES,
        open_engine: Callable[[], ArchiveEngine] | None = None,
    ) -> None:
        self.objects = objects
        self._open_engine = open_engine or (
            lambda: ArchiveEngine(
                connect_in(own_folder(state / "engine")), codec=codec, memory_bytes=memory_bytes
            )
        )
        self._engine: ArchiveEngine | None = None
        self._failures = 0
        self.engine_failed = asyncio.Event()
        self._opening = threading.Lock()
        self._makers = ThreadPoolExecutor(1, thread_name_prefix="archive-make")
        self._mergers = ThreadPoolExecutor(1, thread_name_prefix="archive-merge")
        self._movers = ThreadPoolExecutor(4, thread_name_prefix="archive-move")

    async def make(self, signal: Signal, payloads: Sequence[bytes], folder: Path) -> list[Made]:
        """See `ArchiveEngine.make`."""
        making = self._in(self._makers, lambda: self._opened().make(signal, payloads, folder))
        return await self._watched(making)

    async def merge(self, signal: Signal, inputs: Sequence[Path], output: Path) -> int:
        """See `ArchiveEngine.merge`."""
        merging = self._in(self._mergers, lambda: self._opened().merge(signal, inputs, output))
        return await self._watched(merging)

    async def finish(self, file: Path, facts: Facts) -> tuple[int, str]:
        """Write the footer's metadata; returns the file's bytes and SHA-256. Raises OSError."""

        def finish() -> tuple[int, str]:
            add_metadata(file, facts.metadata())
            return file.stat().st_size, digest(file)

        return await self.move(finish)

    async def move(self, action: Callable[[], _T]) -> _T:
        """Do what waits for disks or servers."""
        return await self._in(self._movers, action)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder in the work folder, gone with all that is left in it at the end."""
        folder = Path(tempfile.mkdtemp(dir=self.objects.work))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Break off what the engine does, and close it. Blocks for a moment."""
        if self._engine is not None:
            self._engine.cancel()
        for threads in (self._makers, self._mergers, self._movers):
            threads.shutdown(wait=True, cancel_futures=True)
        if self._engine is not None:
            self._engine.close()

    async def _watched(self, working: Awaitable[_T]) -> _T:
        try:
            done = await working
        except EngineFailed as error:
            self._failures += error.reason is SinkReason.ENGINE  # others speak of the block
            if self._failures >= _FAILURES:
                self.engine_failed.set()
            raise
        self._failures = 0
        return done

    def _opened(self) -> ArchiveEngine:
        with self._opening:
            if self._engine is None:
                self._engine = self._open_engine()
            return self._engine

    @staticmethod
    async def _in(threads: ThreadPoolExecutor, action: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(threads, action)


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with file.open("rb") as source:
        while piece := source.read(_READ_BYTES):
            found.update(piece)
    return found.hexdigest()
