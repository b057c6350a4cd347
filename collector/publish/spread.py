"""Which partition an anonymous batch goes to: its sender's, until the sender is a heavy one. Pure.

A stream is written into the store by one insert at a time, so a sender of more than one insert
can keep up with has to be spread over several. But each stream that is written to costs an insert
a second whatever its size, so a sender of little should stay in one. A sender moves on to the
next partition with every `SPREAD_BYTES` of the same second.
"""

from collections import Counter
from typing import Final

SPREAD_BYTES: Final = 256 * 1024
"""About 5,000 spans: an insert of so many costs no more for each than a larger one, or nearly."""


class Spread:
    """Bytes of each sender in the current second. Memory: the senders of one second."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._second = 0
        self._bytes: Counter[str] = Counter()

    def partition(self, home: int, sender: str, size: int, *, now_ns: int) -> int:
        """The partition for `size` bytes of a sender whose own partition is `home`."""
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second = second
            self._bytes.clear()
        before = self._bytes[sender]
        self._bytes[sender] = before + size
        return (home + before // SPREAD_BYTES) % self._partitions
