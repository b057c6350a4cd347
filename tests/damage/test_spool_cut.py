"""A segment of the spool that was cut short is named, though a torn write looks the same."""

import asyncio
import os
from pathlib import Path

from collector.spool.spool import Spool
from seamark.service.health import Health
from tests.unit.test_spool_disk import drain, record, segments


def named(health: Health) -> bool:
    return "damaged spool" in {one["part"] for one in health.degraded()}


async def test_a_segment_that_was_cut_is_named_until_it_is_taken_away(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.open()
    for number in range(10):
        await spool.put(record(number, size=200))
    await spool.close()
    [segment] = segments(tmp_path)
    os.truncate(segment, segment.stat().st_size // 2)

    health = Health()
    again = Spool(tmp_path, health=health)
    await again.open()
    assert named(health)
    left = await drain(again)
    assert 0 < len(left) < 10
    await again.close()

    after = Health()
    last = Spool(tmp_path, health=after)
    await last.open()
    assert named(after)
    damaged = await asyncio.to_thread(lambda: sorted(tmp_path.rglob("*.damaged")))
    for path in damaged:
        path.unlink()
    await last.close()
    clean = Health()
    empty = Spool(tmp_path, health=clean)
    await empty.open()
    assert not named(clean)
    await empty.close()


async def test_a_write_that_was_torn_is_no_damage(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.open()
    for number in range(3):
        await spool.put(record(number, size=200))
    await spool.close()
    [segment] = segments(tmp_path)
    with segment.open("ab") as file:
        file.write(b"half of a record")  # nobody was told that it is there

    health = Health()
    again = Spool(tmp_path, health=health)
    await again.open()
    assert not named(health)
    assert len(await drain(again)) == 3
    await again.close()
