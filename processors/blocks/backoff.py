"""The wait between two tries."""

import random
from typing import Final

_FIRST_RETRY_SECONDS: Final = 0.1


def backoff_seconds(tries: int, *, last: float) -> float:
    """How long to wait after the `tries`-th failure: doubling up to `last`, half of it random."""
    ceiling = min(last, _FIRST_RETRY_SECONDS * 2.0 ** min(tries - 1, 16))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
