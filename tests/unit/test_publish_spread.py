"""A light sender stays in its partition, a heavy one goes round all of them."""

from hypothesis import given
from hypothesis import strategies as st

from collector.publish.spread import SPREAD_BYTES, Spread

SECOND = 1_000_000_000


@given(st.integers(0, 7), st.lists(st.integers(1, SPREAD_BYTES // 8), max_size=8))
def test_a_light_sender_stays_at_home(home: int, sizes: list[int]) -> None:
    spread = Spread(8)
    assert {spread.partition(home, "a", size, now_ns=5) for size in sizes} <= {home}


def test_a_heavy_sender_is_spread_evenly_and_alone() -> None:
    spread = Spread(4)
    taken = [spread.partition(1, "heavy", SPREAD_BYTES, now_ns=7) for _ in range(8)]
    assert taken == [1, 2, 3, 0, 1, 2, 3, 0]
    assert spread.partition(1, "light", 10, now_ns=7) == 1


def test_the_next_second_begins_at_home() -> None:
    spread = Spread(4)
    assert spread.partition(2, "a", SPREAD_BYTES * 3, now_ns=0) == 2
    assert spread.partition(2, "a", 1, now_ns=SECOND - 1) == 1
    assert spread.partition(2, "a", 1, now_ns=SECOND) == 2
