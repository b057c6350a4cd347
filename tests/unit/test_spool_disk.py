"""The spool on a real disk: what was put survives a restart, in order; what is settled goes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.spool.record import Key, SpoolRecord
from collector.spool.spool import Spool
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.support.envelope_frames import frame_of

EVENTS: Key = (Signal.EVENTS, 0)
TRACES: Key = (Signal.TRACES, 1)


def record(number: int, key: Key = EVENTS, *, size: int = 10) -> SpoolRecord:
    return SpoolRecord(
        message_id=f"life.{number}",
        signal=key[0],
        partition=key[1],
        payload=b"%08d" % number + bytes(size),
        weight=1,
        frames=1,
        floor=0,
        tried=False,
        spooled_ms=1,
    )


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[Spool]:
    spool = Spool(path, **options)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()


async def drain(spool: Spool, key: Key = EVENTS, *, most: int = 1_000_000) -> list[str]:
    """Settle up to `most` records; their ids."""
    found: list[str] = []
    while len(found) < most and (head := await spool.head(key)) is not None:
        found.append(head.record.message_id)
        await spool.settle(head, len(found))
    return found


async def put_for_ever(spool: Spool) -> None:
    number = 0
    while True:
        await spool.put(record(number := number + 1, size=100))


def segments(path: Path) -> list[Path]:
    return sorted(path.rglob("*.spool"))


def ids(*numbers: int) -> list[str]:
    return [f"life.{number}" for number in numbers]


async def test_streams_come_out_in_order_each_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_bytes=400) as spool:
        for number in range(40):
            await spool.put(record(number, EVENTS if number % 2 else TRACES))
        assert len(segments(tmp_path)) > 3
        assert await drain(spool, EVENTS) == ids(*range(1, 40, 2))
        assert not spool.has_backlog(EVENTS)
        assert spool.has_backlog(TRACES)
        assert await drain(spool, TRACES) == ids(*range(0, 40, 2))
        assert spool.frames == spool.size == 0
        assert segments(tmp_path) == []


async def test_what_comes_together_is_synced_together(tmp_path: Path) -> None:
    syncs: list[int] = []

    class Observer:
        def spooled(self, frames: int, size: int, seconds: float) -> None:
            syncs.append(frames)

        def drained(self, frames: int, size: int) -> None: ...

        def holds(self, frames: int, size: int, oldest_seconds: float) -> None: ...

    async with opened(tmp_path, observer=Observer()) as spool:
        await asyncio.gather(*(spool.put(record(number)) for number in range(500)))
        assert sum(syncs) == 500
        assert len(syncs) < 10
        assert await drain(spool) == ids(*range(500))


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_bytes=400) as spool:
        await asyncio.gather(*(spool.put(record(number)) for number in range(20)))
        assert await drain(spool, most=7) == ids(*range(7))
    async with opened(tmp_path) as spool:
        head = await spool.head(EVENTS)
        assert head is not None
        assert head.segment.left_by
        assert spool.noted(EVENTS, left_by=head.segment.left_by) == 7
        await spool.put(record(20))
        assert await drain(spool) == ids(*range(7, 21))


async def test_a_killed_one_loses_only_what_was_not_synced(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.put(record(0))
    file = segments(tmp_path)[0]
    file.write_bytes(file.read_bytes() + b"\x50\0\0\0torn")
    async with opened(tmp_path) as spool:
        await spool.put(record(1))
        assert await drain(spool) == ids(0, 1)


async def test_what_is_put_while_it_drains_comes_after(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_bytes=300) as spool:
        found: list[str] = []
        for number in range(50):
            written = spool.put(record(number))
            if number % 3 == 0:
                found += await drain(spool, most=2)
            await written
        found += await drain(spool)
        assert found == ids(*range(50))


async def test_it_is_capped(tmp_path: Path) -> None:
    async with opened(tmp_path, max_bytes=2_000) as spool:
        with pytest.raises(Unavailable, match="spool on disk is full") as refusal:
            await put_for_ever(spool)
        assert refusal.value.retry_after > 0
        assert 0.9 < spool.fill <= 1.0
        assert spool.size <= 2_000
        await drain(spool)
        assert spool.problem(100) == ""


async def test_the_disk_keeps_its_reserve(tmp_path: Path) -> None:
    async with opened(tmp_path, keep_bytes=1 << 60) as spool:
        assert "full" in spool.problem()
        with pytest.raises(Unavailable):
            spool.put(record(0))


async def test_slots_are_ours_alone_and_abandoned_ones_are_drained(tmp_path: Path) -> None:
    for number in range(3):
        async with opened(tmp_path, number=number, processes=3) as spool:
            await spool.put(record(number))
    async with opened(tmp_path, number=1, processes=2) as second:
        # slots 0 and 1 belong to processes that exist; slot 2 to nobody
        assert await drain(second) == ids(2, 1)
        async with opened(tmp_path, number=0, processes=2) as first:
            assert await drain(first) == ids(0)
            async with opened(tmp_path, number=0, processes=2) as third:
                await third.put(record(7))
                assert await drain(third) == ids(7)
    assert os.listdir(tmp_path) == []


async def test_what_an_org_has_spooled_counts_until_the_log_has_it_across_restarts(
    tmp_path: Path,
) -> None:
    frames = [frame_of(org, body=os.urandom(9_000)) for org in ("large", "small")]
    made = replace(record(1), payload=b"".join([frames[0], frames[0], frames[1]]), frames=3)
    async with opened(tmp_path, max_bytes=40_000, org_share=0.5) as spool:
        spool.check_share("large", 20_000)
        await spool.put(made)
    async with opened(tmp_path, max_bytes=40_000, org_share=0.5) as spool:
        with pytest.raises(Unavailable) as refused:
            spool.check_share("large", 2_000)
        assert refused.value.reason is Reason.OVER_SHARE
        spool.check_share("small", 10_000)
        await drain(spool)
        spool.check_share("large", 20_000)
