"""How long to wait before starting again what has died."""

from dataclasses import dataclass
from typing import Final

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 5.0
HEALTHY_SECONDS: Final = 30.0
"""A part that was ready this long is trusted again: its next start is a quick one."""


@dataclass(slots=True)
class Backoff:
    """Doubling delays; pure, so time comes in as an argument."""

    _next: float = FIRST_SECONDS

    def after(self, healthy_seconds: float) -> float:
        """Seconds to wait now that the part has died after being ready for so long."""
        if healthy_seconds >= HEALTHY_SECONDS:
            self._next = FIRST_SECONDS
        delay = self._next
        self._next = min(LONGEST_SECONDS, delay * 2)
        return delay
