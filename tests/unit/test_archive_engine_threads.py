"""The threads of the archive, and an engine that will not do any more."""

from pathlib import Path
from typing import cast

import pytest

from processors.archive.codec import ArchiveCodec
from processors.archive.connection import EngineFailed
from processors.archive.engine import ArchiveEngine, Made
from processors.archive.engine_threads import EngineThreads
from processors.archive.objects import Objects
from seamark.wire.signals import Signal


class MoodyEngine:
    """Fails as often as it is told to."""

    def __init__(self) -> None:
        self.failures = 0

    def make(self, *_: object) -> list[Made]:
        if self.failures:
            self.failures -= 1
            raise EngineFailed("Code: 1001. DB::Exception: filesystem error")
        return []

    def cancel(self) -> None: ...

    def close(self) -> None: ...


async def make(engine_threads: EngineThreads, *, times: int) -> None:
    for _ in range(times):
        with pytest.raises(EngineFailed):
            await engine_threads.make(Signal.EVENTS, [], Path("."))


async def test_an_engine_that_fails_again_and_again_is_spent(tmp_path: Path) -> None:
    engine = MoodyEngine()
    engine_threads = EngineThreads(
        cast("Objects", None),
        state=tmp_path,
        codec=ArchiveCodec("zstd", 3),
        open_engine=lambda: cast("ArchiveEngine", engine),
    )
    try:
        engine.failures = 4
        await make(engine_threads, times=4)
        await engine_threads.make(Signal.EVENTS, [], tmp_path)  # it was only a mood
        engine.failures = 5
        await make(engine_threads, times=4)
        assert not engine_threads.engine_failed.is_set()
        await make(engine_threads, times=1)
        assert engine_threads.engine_failed.is_set()
    finally:
        engine_threads.close()


async def test_one_that_cannot_be_opened_is_spent_too(tmp_path: Path) -> None:
    def fail() -> ArchiveEngine:
        raise EngineFailed("no space left on device")

    engine_threads = EngineThreads(
        cast("Objects", None), state=tmp_path, codec=ArchiveCodec("zstd", 3), open_engine=fail
    )
    try:
        await make(engine_threads, times=5)
        assert engine_threads.engine_failed.is_set()
    finally:
        engine_threads.close()
