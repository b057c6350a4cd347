"""Delays between starts."""

from seamark.standalone.backoff import Backoff


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff()

    assert [backoff.after(0) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_healthy_time_resets_the_restarts_a_short_one_does_not() -> None:
    backoff = Backoff()
    for _ in range(4):
        backoff.after(0)

    assert backoff.after(29.9) == 3.2
    assert backoff.after(30.0) == 0.2
