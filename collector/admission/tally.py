"""Counts of requests that were turned away, by whose they were, when and why. Pure."""

from typing import Final, NamedTuple

from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

_CAPACITY: Final = 8192
_NS_PER_MINUTE: Final = 60 * 1_000_000_000


class Whose(NamedTuple):
    """Whose request it was, and of what; all but the signal "" when nobody is known."""

    org: str
    app: str
    key_id: str
    signal: Signal


class Tally:
    """Refused requests by minute, sender and reason. Pure: the minute is that of `now_ns`.

    At most `capacity` entries, a sender's reasons in one minute each; beyond it, requests are
    counted as nobody's, up to as many again, and then no more.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[tuple[int, Whose], dict[str, int]] = {}
        self.entries = 0

    def add(self, whose: Whose, reason: Reason, *, now_ns: int) -> bool:
        """Count one request; False when there was no room for it."""
        minute = now_ns // _NS_PER_MINUTE
        nobody = Whose("", "", "", whose.signal)
        for known, room in ((whose, self._capacity), (nobody, 2 * self._capacity)):
            counts = self._counts.get((minute, known), {})
            if reason.value in counts:
                counts[reason.value] += 1
                return True
            if self.entries < room:
                self._counts.setdefault((minute, known), counts)[reason.value] = 1
                self.entries += 1
                return True
        return False

    def take(self) -> list[tuple[int, Whose, dict[str, int]]]:
        """Everything counted so far, and start anew: start of the minute in ns, whose, counts."""
        counts, self._counts, self.entries = self._counts, {}, 0
        return [(minute * _NS_PER_MINUTE, whose, n) for (minute, whose), n in counts.items()]
