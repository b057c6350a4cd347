"""Laws of the limits: what passes is bounded whatever happens, and a tenant gets what it is due."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.admission.limits.allowed import Allowed, allowed
from collector.admission.limits.totals import TotalSet
from seamark.service.registry.limits import Limits
from tests.properties.limit_world import Collectors

RATES = st.sampled_from([0.01, 0.5, 3.0, 100.0, 1e6])
COSTS = st.sampled_from([0.001, 0.5, 1.0, 2.5, 40.0])  # of a second's tokens
WHO = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("request"), WHO, COSTS),
        st.tuples(st.just("flood"), WHO, COSTS),
        st.tuples(st.just("tick"), WHO, st.just(0.0)),
        st.tuples(st.just("lost"), WHO, st.just(0.0)),
        st.tuples(st.just("later"), st.just(0), st.sampled_from([0.01, 0.1, 1.0, 30.0])),
        st.tuples(st.just("idle"), st.just(0), st.just(0.0)),
        st.tuples(st.just("goes"), st.just(0), st.just(0.0)),
        st.tuples(st.just("comes"), st.sampled_from([0, 1]), st.just(0.0)),
        st.tuples(st.just("loss"), st.just(0), st.just(0.0)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, RATES, st.sampled_from([1.0, 10.0]), st.integers(1, 4))
def test_what_passes_is_bounded_whatever_becomes_of_redis(
    steps: list[tuple[str, int, float]], rate: float, burst_seconds: float, count: int
) -> None:
    world = Collectors(rate, burst_seconds, share=0.5, count=count)
    for what, number, amount in steps:
        who = number % count
        if what == "request":
            world.request(who, amount * rate)
        elif what == "flood":
            for _ in range(200):
                if not world.request(who, amount * rate):
                    break
        elif what in ("tick", "lost"):
            world.tick(who, answer_lost=what == "lost")
        elif what == "later":
            # a collector ticks at least once a second, or has ended
            for _ in range(max(1, math.ceil(amount))):
                world.later(amount / max(1, math.ceil(amount)))
                for every in range(count):
                    world.tick(every)
        elif what == "idle":
            for _ in range(650):
                world.later(0.1)
                for every in range(count):
                    world.tick(every)
        elif what == "goes":
            world.redis_goes()
        elif what == "comes":
            world.redis_comes(empty=bool(number))
        else:
            world.lose()
        assert world.admitted <= world.bound * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([5.0, 100.0, 1e5]),
    st.sampled_from([1.0, 10.0]),
    st.lists(st.sampled_from([0.2, 1.0, 20.0]), min_size=1, max_size=4),
    st.sampled_from([0.001, 0.05, 3.0, 25.0]),
)
def test_who_sends_too_much_gets_its_rate(
    rate: float, burst_seconds: float, offered: list[float], cost: float
) -> None:
    """Over a long time, on any number of collectors and however unevenly: as much as its limit, or
    as much as it sends."""
    world = Collectors(rate, burst_seconds, share=0.5, count=len(offered))
    seconds = 200
    waiting = [0.0] * len(offered)
    for _ in range(seconds * 10):
        world.later(0.1)
        for who, factor in enumerate(offered):
            world.tick(who)
            waiting[who] += factor * rate * 0.1
            while waiting[who] >= cost * rate and world.request(who, cost * rate):
                waiting[who] -= cost * rate
    due = min(1.0, sum(offered)) * rate * seconds
    assert world.admitted >= 0.95 * due - len(offered) * cost * rate
    most = sum(offered) * rate * seconds
    assert world.admitted <= min(most, world.bound) * (1 + 1e-9)


@given(st.floats(), st.floats(), st.integers())
def test_no_value_in_a_record_makes_a_limit_that_is_none(
    rate: float, burst_seconds: float, month: int
) -> None:
    default = Allowed(requests=7.0, items_per_month=7)
    found = allowed(
        Limits(requests_per_second=rate, burst_seconds=burst_seconds, items_per_month=month),
        default,
    )
    assert 0.0 <= found.requests < 1e15
    assert 1.0 <= found.burst_seconds <= 3600.0
    assert 0 <= found.items_per_month < 1e15
    if math.isfinite(rate) and 0 <= rate < 1e15:
        assert found.requests == rate


@given(st.data())
def test_counts_agree_in_the_end_whatever_is_lost_and_repeated(data: st.DataObject) -> None:
    """Collectors that count, merge with a Redis in any order, and a Redis that forgets."""
    sets = [TotalSet(f"c{n}") for n in range(3)]
    redis: dict[str, int] = {}
    truth = {"a": 0, "b": 0}

    def merge(who: int) -> None:
        for field in sets[who].changed:
            redis[field] = max(redis.get(field, 0), sets[who].fields[field])
        sets[who].merge(dict(redis))

    for _ in range(data.draw(st.integers(0, 30))):
        who = data.draw(st.integers(0, 2))
        step = data.draw(st.sampled_from(["add", "merge", "forget"]))
        if step == "add":
            subject, amount = data.draw(st.sampled_from("ab")), data.draw(st.integers(0, 9))
            sets[who].add(subject, amount)
            truth[subject] += amount
        elif step == "merge":
            merge(who)
        else:
            redis.clear()
    for _ in range(3):
        for who in range(3):
            merge(who)
    for found in sets:
        assert {subject: found.sum(subject) for subject in truth} == truth
