"""Waiting for what no event tells of: look again and again, within a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def until(
    look: Callable[[], Seen],
    enough: Callable[[Seen], object] = bool,
    *,
    seconds: float = 150.0,
    every: float = 0.1,
) -> Seen:
    """Look until it is enough; what was seen last. Blocks.

    Raises AssertionError, with what was seen last, when that takes longer than `seconds`: a bound
    for what never comes, generous because machines can be busy.
    """
    deadline = time.monotonic() + seconds
    while not enough(seen := look()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s; last seen: {seen}"
        time.sleep(every)
    return seen
