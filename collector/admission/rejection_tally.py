"""Counts of requests that were rejected as a whole: by owner, minute and reason. Pure."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

_CAPACITY: Final = 8192
_NS_PER_MINUTE: Final = 60 * 1_000_000_000


class RequestOwner(NamedTuple):
    """The org, app and key of a request, and its signal; all but the signal "" when unknown."""

    org: str
    app: str
    key_id: str
    signal: Signal


@dataclass(slots=True)
class RejectionCounts:
    """By reason, how many requests were rejected, and how many items those held that were read."""

    requests: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)

    def add(self, reason: Reason, items: int) -> None:
        """Count one request with so many known items."""
        self.requests[reason.value] = self.requests.get(reason.value, 0) + 1
        if items:
            self.items[reason.value] = self.items.get(reason.value, 0) + items


class RejectionTally:
    """Rejected requests by minute, owner and reason. Pure: the minute is that of `now_ns`.

    Holds at most `capacity` entries (one reason of one owner in one minute). Beyond it requests are
    counted without their owner, up to as many again, and then not at all.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[tuple[int, RequestOwner], RejectionCounts] = {}
        self.entries = 0

    def add(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> bool:
        """Count one request with so many known items; False when there was no room for it."""
        minute = now_ns // _NS_PER_MINUTE
        unknown = RequestOwner("", "", "", owner.signal)
        for counted_for, room in ((owner, self._capacity), (unknown, 2 * self._capacity)):
            counts = self._counts.get((minute, counted_for), RejectionCounts())
            if reason.value in counts.requests:
                counts.add(reason, items)
                return True
            if self.entries < room:
                self._counts.setdefault((minute, counted_for), counts).add(reason, items)
                self.entries += 1
                return True
        return False

    def take(self) -> list[tuple[int, RequestOwner, RejectionCounts]]:
        """Everything counted so far, and start again: start of the minute in ns, owner, counts."""
        counts, self._counts, self.entries = self._counts, {}, 0
        return [(minute * _NS_PER_MINUTE, owner, n) for (minute, owner), n in counts.items()]
