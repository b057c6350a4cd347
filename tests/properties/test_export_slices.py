"""Slices of an export lie end to end over its whole range, whatever was counted."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from api.exports.slices import Slice, cut, stretch_ms


@given(
    since=st.integers(0, 10**12),
    length=st.integers(1, 10**8),
    most=st.integers(1, 50),
    rows=st.dictionaries(st.integers(0, 40), st.integers(1, 300)),
)
def test_every_instant_is_in_one_slice(
    since: int, length: int, most: int, rows: dict[int, int]
) -> None:
    width = stretch_ms(since, since + length, most=41)
    counts = [(stretch, n) for stretch, n in sorted(rows.items()) if stretch * width < length]
    made = cut(counts, since_ms=since, until_ms=since + length, width_ms=width, most=most)
    assert made[0].since_ms == since
    assert made[-1].until_ms == since + length
    assert all(one.until_ms == other.since_ms for one, other in itertools.pairwise(made))
    assert all(one.since_ms < one.until_ms for one in made)
    assert sum(one.rows for one in made) == sum(n for _, n in counts)
    assert all(one.rows <= most or one.until_ms - one.since_ms == 1 for one in made)


@given(since=st.integers(0, 1000), length=st.integers(1, 1000), rows=st.integers(0, 99))
def test_halves_are_the_whole(since: int, length: int, rows: int) -> None:
    whole = Slice(since, since + length, rows)
    halves = whole.halves()
    assert (halves == [whole]) is (length == 1)
    assert (halves[0].since_ms, halves[-1].until_ms) == (since, since + length)
    assert sum(half.rows for half in halves) == rows
    if length > 1:
        assert halves[0].until_ms == halves[1].since_ms


@given(since=st.integers(0, 10**12), length=st.integers(1, 10**12), most=st.integers(1, 10**4))
def test_stretches_are_no_more_than_asked_for(since: int, length: int, most: int) -> None:
    width = stretch_ms(since, since + length, most=most)
    assert width >= 1
    assert -(-length // width) <= most
