"""The generator's arithmetic: due times, percentiles, slopes, pauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.schedule import NANOSECONDS, Schedule, backoff_seconds, slope, spread


def test_requests_are_due_at_equal_distances_whatever_the_clock_says() -> None:
    schedule = Schedule(start_ns=1_000, requests_per_second=400, duration_seconds=10)
    assert schedule.due_ns(0, 0) == 1_000
    assert schedule.due_ns(1, 10**18) - 1_000 == 2_500_000
    assert schedule.due_ns(4_000, 0) == schedule.end_ns
    assert schedule.planned() == 4_000


@given(rate=st.floats(0.1, 5_000), seconds=st.floats(0.01, 600))
def test_every_planned_request_is_due_before_the_end_and_the_next_is_not(
    rate: float, seconds: float
) -> None:
    schedule = Schedule(start_ns=7, requests_per_second=rate, duration_seconds=seconds)
    planned = schedule.planned()
    assert planned == 0 or schedule.due_ns(planned - 1, 0) < schedule.end_ns
    # A due time and the end are rounded to a nanosecond each.
    assert schedule.due_ns(planned, 0) >= schedule.end_ns - NANOSECONDS / rate


def test_without_a_rate_a_request_is_due_now_and_none_is_planned() -> None:
    schedule = Schedule(start_ns=100, requests_per_second=0, duration_seconds=10)
    assert schedule.due_ns(5, 700) == 700
    assert schedule.due_ns(5, 50) == 100
    assert schedule.planned() == 0


def test_percentiles_are_values_of_the_sample() -> None:
    found = spread([float(n) for n in range(100, 0, -1)])
    assert (found.p50, found.p95, found.p99, found.max) == (50, 95, 99, 100)
    assert found.mean == 50.5
    assert spread([3.0]).p50 == spread([3.0]).p99 == 3.0
    assert spread([]).count == 0


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_hold_at_least_their_share(values: list[float]) -> None:
    found = spread(values)
    for percent, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert sum(v <= value for v in values) * 100 >= percent * len(values)
        assert sum(v < value for v in values) * 100 < percent * len(values)


def test_slope_of_a_line_is_its_slope() -> None:
    assert slope([(x, 3 * x + 5) for x in (1.0, 2.0, 4.0, 9.0)]) == pytest.approx(3)
    assert slope([(1.0, 5.0)]) == slope([(1.0, 5.0), (1.0, 9.0)]) == 0


@given(attempt=st.integers(0, 100), jitter=st.floats(0, 1, exclude_max=True))
def test_pauses_stay_within_bounds_and_never_cut_a_wish_short(attempt: int, jitter: float) -> None:
    assert 0.05 <= backoff_seconds(attempt, jitter, None) <= 5
    assert 7 <= backoff_seconds(attempt, jitter, 7.0) <= 7.701


def test_pauses_grow() -> None:
    assert backoff_seconds(3, 0.5, None) > backoff_seconds(0, 0.5, None)
