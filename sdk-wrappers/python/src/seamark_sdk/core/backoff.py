"""How long to wait after a failed attempt: full jitter, or what the server asked for."""

import math
from typing import Final

BASE_MS: Final = 1_000
LONGEST_MS: Final = 300_000
SHORTEST_MS: Final = 100
LONGEST_ASKED_MS: Final = 3_600_000
_ASKED_SPREAD: Final = 0.1
_DOUBLINGS: Final = 20


def delay_ms(attempt: int, rand: float, *, asked_ms: int | None = None) -> int:
    """Milliseconds until the next attempt, after `attempt` failures in a row (1 or more).

    `rand` is uniform in [0, 1). Without `asked_ms`: a random part of 1 s, doubled with every
    failure up to 5 min, and never below 100 ms. With it: at least what was asked, at most an hour,
    and up to a tenth more, so that clients which were asked together do not come back together.
    Source of full jitter: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter
    """
    if asked_ms is not None:
        asked_ms = max(SHORTEST_MS, min(asked_ms, LONGEST_ASKED_MS))
        return asked_ms + math.ceil(rand * asked_ms * _ASKED_SPREAD)
    ceiling = min(LONGEST_MS, BASE_MS * (1 << min(max(attempt, 1) - 1, _DOUBLINGS)))
    return max(SHORTEST_MS, math.ceil(rand * ceiling))
