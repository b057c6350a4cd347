"""Which parts of the store count as lost: those whose block numbers no part covers any more."""

import pytest

from seamark.standalone.store.parts.inventory import PartRecord, uncovered


def part(low: int, high: int, *, table: str = "events", expires: int = 0) -> PartRecord:
    return PartRecord(
        table=table,
        partition="2026-01-01",
        name=f"20260101_{low}_{high}_0",
        low=low,
        high=high,
        rows=1,
        size=1,
        expires=expires,
    )


@pytest.mark.parametrize(
    ("known", "active", "lost"),
    [
        pytest.param([part(1, 1), part(2, 2)], [part(1, 2)], [], id="merged"),
        pytest.param([part(1, 1), part(2, 2)], [part(1, 1)], [part(2, 2)], id="one is gone"),
        pytest.param([part(1, 3)], [part(1, 1), part(3, 3)], [], id="the parts before the merge"),
        pytest.param([part(1, 3)], [part(1, 1), part(2, 2)], [part(1, 3)], id="the last is gone"),
        pytest.param([part(1, 3)], [part(2, 2), part(3, 3)], [part(1, 3)], id="the first is gone"),
        pytest.param([part(1, 1)], [part(1, 1, table="spans")], [part(1, 1)], id="another table"),
        pytest.param([part(1, 1, expires=10)], [], [], id="past its time to live"),
        pytest.param(
            [part(1, 1, expires=11)], [], [part(1, 1, expires=11)], id="within its time to live"
        ),
    ],
)
def test_a_part_is_lost_when_no_parts_cover_its_blocks(
    known: list[PartRecord], active: list[PartRecord], lost: list[PartRecord]
) -> None:
    assert uncovered(known, active, now=10) == lost
