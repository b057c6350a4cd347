"""Several collectors that share one limit: the buckets of ours, and a Redis in plain Python."""

from dataclasses import dataclass, field

from collector.admission.limits.allowed import Measure, Scope
from collector.admission.limits.bucket import Ask, Bucket, Grant


@dataclass
class PlainRedis:
    """What `lease.lua` does, said once more in Python. `now` is its clock."""

    now: float = 0.0
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def lease(self, ask: Ask) -> Grant:
        level, at = self.buckets.get(ask.name, (ask.capacity, self.now))
        filled = min(ask.capacity, level + max(0.0, self.now - at) * ask.rate)
        level = min(ask.capacity, filled - ask.booked)
        granted = max(0.0, min(level, ask.wanted))
        self.buckets[ask.name] = level - granted, self.now
        return Grant(granted, level - granted)


@dataclass
class Collectors:
    """`buckets` are one limit in each collector; `admitted` is what passed, of all of them."""

    rate: float
    burst_seconds: float
    share: float
    count: int
    redis: PlainRedis = field(default_factory=PlainRedis)
    now: float = 0.0
    admitted: float = 0.0
    largest: float = 0.0
    losses: int = 0
    away_since: float | None = None
    away_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.buckets = [self._bucket() for _ in range(self.count)]
        self.ticked = [0.0] * self.count

    def _bucket(self) -> Bucket:
        return Bucket(
            "b", Scope.ORG, Measure.ITEMS, rate=self.rate, burst_seconds=self.burst_seconds
        )

    def request(self, who: int, cost: float) -> bool:
        bucket = self.buckets[who]
        if bucket.tokens <= bucket.least:
            bucket.refuse(cost)
            return False
        bucket.take(cost)
        self.admitted += cost
        self.largest = max(self.largest, cost)
        return True

    def tick(self, who: int, *, answer_lost: bool = False) -> None:
        bucket, since = self.buckets[who], self.ticked[who]
        self.ticked[who] = self.now
        if self.away_since is not None:
            bucket.refill(self.now - since, share=self.share)
            return
        ask = bucket.ask()
        if ask is not None:
            grant = self.redis.lease(ask)
            if not answer_lost:
                bucket.settle(ask, grant)
        if bucket.forgotten:
            self.buckets[who] = self._bucket()

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.redis.now += seconds

    def redis_goes(self) -> None:
        if self.away_since is None:
            self.away_since = self.now

    def redis_comes(self, *, empty: bool) -> None:
        if self.away_since is None:
            return
        # the first tick of each collector while it is away counts from its last one before
        self.away_seconds += self.now - self.away_since + 1.0
        self.away_since = None
        if empty:
            self.lose()

    def lose(self) -> None:
        self.redis.buckets.clear()
        self.losses += 1

    @property
    def bound(self) -> float:
        """The most that may have passed so far, as `bucket.py` and docs/limits.md say it."""
        away = self.away_seconds
        if self.away_since is not None:
            away += self.now - self.away_since + 1.0
        capacity = self.rate * self.burst_seconds
        advance = min(self.rate, capacity)
        shared = capacity * (1 + self.losses + self.count / 2) + self.rate * self.now
        alone = 2 * (advance + self.largest) + self.share * self.rate * away
        return shared + self.count * alone
