"""One limit in one collector: tokens leased from the bucket that all collectors share. Pure.

A request passes while there are tokens, whatever it costs, and may leave less than none: what is
owed is paid before the next one passes. So a batch larger than the burst passes too, and in the
long run no more passes than the rate.

The shared bucket (`lease.lua`) holds `capacity` tokens at most and gains `rate` a second. A
collector asks it in the background for what it expects to need, and books what it has spent beyond
its lease. A new bucket starts with an advance of one second's tokens, which its first lease books:
the first request of a tenant waits for nothing. Requests that come all at once may spend a quarter
of what the shared bucket had left when it was last asked, before it is asked again: a tenant that
is within its limit and sent nothing for a moment is not refused. So over any time, all collectors
together admit at most

    capacity * (1 + collectors / 2) + rate * time
    + 2 * collectors * (advance + the largest request)

(twice: once booked, and once not yet, by a bucket that was forgotten and made anew).

While the shared bucket is away each collector goes on by itself, at a share of the rate.
"""

from typing import Final, NamedTuple

from collector.admission.limits.allowed import Measure, Scope

TICK_SECONDS: Final = 0.1
ADVANCE_SECONDS: Final = 1.0
_FLOOR: Final = 8
"""A bucket in use is kept filled to an advance, but to no more than this part of the capacity."""
_CREDIT: Final = 0.25
"""Of what the shared bucket had left, what may be spent before it is asked again."""
_FORGOTTEN_TICKS: Final = 600
_LEAST_RETRY_SECONDS: Final = 1.0
_MOST_RETRY_SECONDS: Final = 3600.0


class Ask(NamedTuple):
    """What one bucket asks of the shared one: `booked` (negative: given back) whatever it holds,
    `wanted` as far as it has tokens."""

    name: str
    rate: float
    capacity: float
    booked: float
    wanted: float


class Grant(NamedTuple):
    """The answer: tokens granted, and what the shared bucket has left (negative: owes)."""

    granted: float
    level: float


class Bucket:
    """Tokens of one limit in this collector. `tokens` above `least`: the next request passes."""

    __slots__ = (
        "_advance",
        "_demand",
        "_expected",
        "_unbooked",
        "_unused",
        "capacity",
        "least",
        "level",
        "measure",
        "name",
        "rate",
        "scope",
        "tokens",
    )

    def __init__(
        self, name: str, scope: Scope, measure: Measure, *, rate: float, burst_seconds: float
    ) -> None:
        self.name = name
        self.scope = scope
        self.measure = measure
        self.level = self.least = 0.0
        self._demand = 0.0
        self._expected = 0.0
        self._unused = 0
        self.allow(rate=rate, burst_seconds=burst_seconds)
        self.tokens = self._unbooked = self._advance

    def allow(self, *, rate: float, burst_seconds: float) -> None:
        """The limit is this one from now on; what was spent stays spent."""
        self.rate = rate
        self.capacity = rate * burst_seconds
        self._advance = min(rate * ADVANCE_SECONDS, self.capacity)

    def take(self, cost: float) -> None:
        """Spend tokens; some may be missing afterwards."""
        self.tokens -= cost
        self._demand += cost

    def give_back(self, cost: float) -> None:
        """What was spent on a request was not needed."""
        self.tokens += cost

    def refuse(self, cost: float) -> None:
        """A request of this cost did not pass, and will come again."""
        self._demand += cost

    @property
    def retry_seconds(self) -> float:
        """When a request may pass again, as far as is known here."""
        missing = max(0.0, -self.tokens) + max(0.0, -self.level)
        return min(max(missing / self.rate, _LEAST_RETRY_SECONDS), _MOST_RETRY_SECONDS)

    @property
    def forgotten(self) -> bool:
        """Unused for so long that it can be dropped: it holds nothing, and as far as is known here
        nothing is owed any more, so that the advance of the next one is due."""
        owed = self.level + self._unused * TICK_SECONDS * self.rate < 0.0
        idle = self._unused >= _FORGOTTEN_TICKS and not owed
        return idle and self.tokens == 0.0 and not self._unbooked

    def ask(self) -> Ask | None:
        """What to ask for now; None: nothing. To be called once a tick, and then `settle`d."""
        self._expected = max(self._demand, self._expected / 2)
        self._unused = 0 if self._demand else self._unused + 1
        self._demand = 0.0
        target = 0.0
        if self._unused < _FORGOTTEN_TICKS:
            floor = min(self._advance, self.capacity / _FLOOR)
            target = min(max(2 * self._expected, floor), self.capacity)
        booked = self._unbooked + max(0.0, -self.tokens)
        wanted = max(0.0, target - max(0.0, self.tokens))
        if not booked and wanted <= target / 2 and self.tokens <= 2 * target:
            return None
        if self.tokens > 2 * target:
            booked -= self.tokens - target
            self.tokens = target  # not to be spent while it is given back
        return Ask(self.name, self.rate, self.capacity, booked, wanted)

    def settle(self, ask: Ask, grant: Grant) -> None:
        """The shared bucket has booked and granted. Not to be called when it is not known to."""
        debt = max(0.0, ask.booked - self._unbooked)
        self._unbooked = 0.0
        self.tokens += debt + grant.granted
        self.level = grant.level
        self.least = -max(0.0, _CREDIT * min(grant.level, self.capacity))

    def refill(self, seconds: float, *, share: float) -> None:
        """The shared bucket was away for so long: go on with a share of the rate."""
        self.least = 0.0
        full = max(self.tokens, share * self.capacity)
        self.tokens = min(full, self.tokens + share * self.rate * seconds)
