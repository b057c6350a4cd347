"""Shares of memory: sums stay true, no limit is passed, and a small org finds room among large."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.http.arrival import Arrival
from collector.http.budget import Budget, Share, ShareLimits
from collector.receivers.exchange import BodyOwner
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason

LIMIT = 1000
LIMITS = ShareLimits(key=0.5, org=0.6, address=0.7)
OWNERS = st.builds(
    BodyOwner,
    org=st.sampled_from(["a", "b", "c"]),
    key_id=st.sampled_from(["k1", "k2"]),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
).map(lambda owner: owner._replace(key_id=f"{owner.org}-{owner.key_id}"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), OWNERS, st.booleans()),
        st.tuples(st.just("take"), st.integers(0, 40), st.integers(1, 400)),
        st.tuples(st.just("end"), st.integers(0, 40), st.just(0)),
        st.tuples(st.just("wait"), st.floats(0.1, 2.0), st.just(0)),
    ),
    max_size=60,
)


@dataclass
class World:
    """A budget, its clock, and what each request believes it holds."""

    now: float = 0.0
    shares: list[tuple[BodyOwner, Share, Arrival | None]] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.budget = Budget(LIMIT, shares=LIMITS, clock=lambda: self.now)

    def begin(self, owner: BodyOwner, *, arriving: bool) -> None:
        share = self.budget.share(owner)
        arrival = None
        if arriving:
            arrival = Arrival(self.now, end=lambda: None)
            share.arriving(arrival)
        self.shares.append((owner, share, arrival))

    def take(self, number: int, size: int) -> None:
        if not self.shares:
            return
        _, share, arrival = self.shares[number % len(self.shares)]
        if arrival is not None and arrival.evicted:
            return
        try:
            share.take(size)
        except Unavailable:
            return
        self.held[id(share)] = self.held.get(id(share), 0) + size

    def end(self, number: int) -> None:
        if self.shares:
            _, share, _ = self.shares.pop(number % len(self.shares))
            share.give_back()
            self.held.pop(id(share), None)

    def check(self) -> None:
        sums: Counter[str] = Counter()
        for owner, share, arrival in self.shares:
            if arrival is not None and arrival.evicted:
                self.held.pop(id(share), None)
            size = self.held.get(id(share), 0)
            sums.update({"all": size, f"key {owner.key_id}": size})
            sums.update({f"org {owner.org}": size, f"address {owner.address}": size})
        assert self.budget.held == sums["all"] <= LIMIT
        most = {"all": 1.0, "key": LIMITS.key, "org": LIMITS.org, "address": LIMITS.address}
        for name, size in sums.items():
            assert size <= LIMIT * most[name.partition(" ")[0]]


@given(STEPS)
def test_what_is_held_is_what_was_taken_and_within_every_share(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    world = World()
    for kind, first, second in steps:
        match kind:
            case "begin":
                world.begin(first, arriving=second)
            case "take":
                world.take(first, second)
            case "end":
                world.end(first)
            case "wait":
                world.now += first
        world.check()
    for _ in list(world.shares):
        world.end(0)
    assert world.budget.held == 0


@given(st.lists(st.integers(1, 300), min_size=1, max_size=30), st.integers(1, 400))
def test_an_org_that_holds_nothing_finds_room_among_bodies_that_do_not_end(
    sizes: list[int], wanted: int
) -> None:
    world = World()
    for number, size in enumerate(sizes):
        owner = BodyOwner(f"org{number % 2}", f"key{number % 3}", f"10.1.0.{number}")
        world.begin(owner, arriving=True)
        world.take(number, size)
    world.now += 2.0
    world.check()

    world.budget.share(BodyOwner("small", "small", "10.9.9.9")).take(wanted)

    assert world.budget.held <= LIMIT


def test_requests_that_are_being_handled_are_not_ended_for_others() -> None:
    budget = Budget(LIMIT, shares=LIMITS)
    budget.share(BodyOwner("a", "a", "1")).take(500)
    budget.share(BodyOwner("b", "b", "2")).take(500)
    with pytest.raises(Unavailable) as full:
        budget.share(BodyOwner("c", "c", "3")).take(1)
    assert full.value.reason is Reason.UNAVAILABLE
    with pytest.raises(Unavailable) as over:
        budget.share(BodyOwner("a", "a", "4")).take(1)
    assert over.value.reason is Reason.OVER_SHARE
