"""Outcomes of events and batches in this process."""

import threading
from collections import Counter


class Statistics:
    """Counts, safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._last_error = ""

    def add(self, what: str, number: int = 1) -> None:
        """Count `tracked`, `sampled`, `delivered_batches`, `rejected`, `retries`."""
        with self._lock:
            self._counts[what] += number

    def drop(self, reason: str, number: int = 1) -> None:
        """Count what is lost for good; events where they are known, else batches."""
        with self._lock:
            self._dropped[reason] += number

    def failed(self, reason: str) -> None:
        """Remember why the last attempt failed; "" after a success."""
        with self._lock:
            self._last_error = reason

    def read(self) -> dict[str, object]:
        """All of it."""
        with self._lock:
            return {
                **{
                    name: self._counts[name]
                    for name in ("tracked", "sampled", "delivered_batches", "rejected", "retries")
                },
                "dropped": dict(self._dropped),
                "last_error": self._last_error,
            }
