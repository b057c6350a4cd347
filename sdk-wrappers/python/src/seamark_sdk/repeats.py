"""At most so many errors of one fingerprint a minute."""

from typing import Final

MOST: Final = 5
_SECONDS: Final = 60.0
_FINGERPRINTS: Final = 1000


class Repeats:
    """Counts by fingerprint; forgets all of them each minute."""

    def __init__(self) -> None:
        self._began = float("-inf")
        self._counts: dict[str, int] = {}

    def allows(self, mark: str, at: float) -> bool:
        """Whether one more may be sent at this time (seconds, monotonic)."""
        if at - self._began >= _SECONDS or len(self._counts) > _FINGERPRINTS:
            self._began = at
            self._counts = {}
        self._counts[mark] = self._counts.get(mark, 0) + 1
        return self._counts[mark] <= MOST
