"""Keys and orgs within their limits: what passes, what is spent, what a change of a record does."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from collector.admission.limits.bucket import Ask, Grant
from collector.admission.limits.limiter import Limiter
from collector.admission.limits.log_use import LogUse
from collector.admission.limits.month_use import MonthUse
from collector.admission.limits.totals import Totals
from collector.limiting.limit_sync import LimitSync, month_of
from collector.limiting.shared_limits import Away
from collector.limiting.totals_file import TotalsFile
from collector.shedding.levels import Thresholds
from collector.shedding.log_shares import LogShares
from seamark.service.health import Health
from seamark.service.registry import KeyRecord, OrgRecord
from seamark.service.registry.limits import Limits, OrgLimits
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from tests.properties.limit_world import PlainRedis
from tests.support.limiting import limiter_of

DECEMBER = 1_796_100_000.0
KEY = KeyRecord(key_id="k", org="acme", app="shop", digest="d")


def org(**limits: float) -> dict[str, OrgRecord]:
    found = msgspec.convert(limits, OrgLimits)
    return {"acme": OrgRecord(org="acme", name="Acme", limits=found)}


def refusal(limiter: Limiter, key: KeyRecord = KEY, *, items: int = 0) -> Unavailable:
    ask = (lambda: limiter.items(key, items)) if items else (lambda: limiter.check(key, 0))
    with pytest.raises(Unavailable) as raised:
        ask()
    assert raised.value.reason is Reason.LIMITED
    return raised.value


def test_a_request_over_one_limit_spends_nothing_of_the_others() -> None:
    limiter = limiter_of(org(requestsPerSecond=5, bytesPerSecond=100))
    limiter.check(KEY, 1000)  # more than the burst: it passes, and leaves a debt
    for _ in range(50):
        failure = refusal(limiter)
    assert "100 bytes/s" in failure.message
    assert failure.retry_after == pytest.approx(9.0)
    assert limiter.buckets["org:acme:requests"].tokens == 4


def test_key_and_org_are_held_each_to_its_own() -> None:
    limiter = limiter_of(org(requestsPerSecond=3))
    strict = msgspec.structs.replace(KEY, key_id="s", limits=Limits(requests_per_second=1))
    limiter.check(strict, 0)
    assert "this key" in refusal(limiter, strict).message
    limiter.check(KEY, 0)
    limiter.check(KEY, 0)
    assert "this org" in refusal(limiter).message


def test_items_of_a_request_that_the_log_did_not_take_are_given_back() -> None:
    limiter = limiter_of(org(itemsPerSecond=10, itemsPerMonth=100))

    def failing() -> None:
        with limiter.items(KEY, 60):
            raise Unavailable("the log is away")

    for _ in range(5):
        with pytest.raises(Unavailable, match="away"):
            failing()
    with limiter.items(KEY, 60):
        pass
    assert limiter.buckets["org:acme:items"].tokens == -50
    assert limiter.months.open("org:acme", 61)
    assert not limiter.months.open("org:acme", 60)


def test_what_is_on_its_way_counts_for_the_month() -> None:
    limiter = limiter_of(org(itemsPerMonth=100))
    with limiter.items(KEY, 100):
        assert refusal(limiter, items=1).retry_after == 3600
    refusal(limiter, items=1)
    limiter.months.begin("2027-01")
    with limiter.items(KEY, 1):
        pass


def test_a_change_of_a_record_holds_from_the_next_request() -> None:
    orgs = org(requestsPerSecond=2)
    limiter = limiter_of(orgs)
    limiter.check(KEY, 0)
    limiter.check(KEY, 0)
    refusal(limiter)
    orgs |= org()
    limiter.check(KEY, 0)  # no limit any more
    orgs |= org(requestsPerSecond=50)
    assert "50 requests/s" in refusal(limiter).message  # what was spent stays spent
    limiter.buckets["org:acme:requests"].refill(1.0, share=1.0)
    limiter.check(KEY, 0)


def test_nothing_is_held_for_who_has_no_limits() -> None:
    limiter = limiter_of({"acme": OrgRecord(org="acme", name="Acme")})
    limiter.check(KEY, 10**9)
    limiter.arrived("acme", "k", 10**9)
    with limiter.items(KEY, 10**9) as first, limiter.items(KEY, 1) as second:
        assert first is second
    assert limiter.buckets == {}


class FakeShared:
    """Redis in plain Python; `away`: it does not answer."""

    def __init__(self) -> None:
        self.redis = PlainRedis()
        self.away = False
        self.counts: dict[str, dict[str, int]] = {}
        self.calls = 0

    async def probe(self) -> None:
        self.calls += 1
        if self.away:
            raise Away("away")

    async def lease(self, asks: Sequence[Ask]) -> list[Grant]:
        await self.probe()
        return [self.redis.lease(ask) for ask in asks]

    async def merge(
        self, name: str, fields: Mapping[str, int], *, keep_seconds: float
    ) -> dict[str, int]:
        await self.probe()
        known = self.counts.setdefault(name, {})
        for field, total in fields.items():
            known[field] = max(total, known.get(field, 0))
        return dict(known)

    async def close(self) -> None:
        pass


class World:
    """A limiter, its sync, and clocks that are set by hand."""

    def __init__(
        self,
        orgs: Mapping[str, OrgRecord],
        shared: FakeShared,
        name: str = "c",
        *,
        file: TotalsFile | None = None,
    ) -> None:
        totals = Totals(name)
        self.shared = shared
        self.health = Health()
        self.now, self.epoch = 0.0, DECEMBER
        self.limiter = Limiter(orgs, months=MonthUse(totals, share=0.5, month=month_of(self.epoch)))
        self.sync = LimitSync(
            self.limiter,
            totals,
            shared,
            share=0.5,
            log_shares=LogShares(
                orgs,
                LogUse(totals, max_age_seconds=60),
                percent=100,
                max_bytes=1,
                partitions=1,
                thresholds=Thresholds(),
            ),
            health=self.health,
            file=file,
            clock=lambda: self.now,
            epoch=lambda: self.epoch,
        )

    async def later(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.shared.redis.now += 0.1
            await self.sync.tick()


async def test_redis_away_is_a_share_of_the_limit_and_back_is_all_of_it() -> None:
    shared = FakeShared()
    world = World(org(itemsPerSecond=100, burstSeconds=1), shared)

    async def accepted(seconds: float) -> int:
        found = 0
        for _ in range(round(seconds * 10)):
            await world.later(0.1)
            for _ in range(30):
                try:
                    with world.limiter.items(KEY, 1):
                        found += 1
                except Unavailable:
                    pass
        return found

    await accepted(3)
    assert await accepted(10) == pytest.approx(1000, rel=0.02)
    shared.away = True
    await accepted(1)
    assert world.health.degraded()[0]["part"] == "limits"
    assert await accepted(10) == pytest.approx(500, rel=0.02)
    calls = shared.calls
    await world.later(10)
    assert shared.calls - calls <= 11  # it is asked once a second
    shared.away = False
    shared.redis.buckets.clear()
    await accepted(3)
    assert world.health.degraded() == []
    assert await accepted(10) == pytest.approx(1000, rel=0.02)


async def test_a_month_is_shared_and_while_redis_is_away_a_part_of_what_is_left_is_used() -> None:
    shared = FakeShared()
    first, second = (World(org(itemsPerMonth=1000), shared, name) for name in ("c1", "c2"))
    with first.limiter.items(KEY, 300), second.limiter.items(KEY, 300):
        pass
    await first.later(1.1)
    await second.later(1.1)
    await first.later(1.1)
    shared.away = True
    for world in (first, second):
        await world.later(1.1)
        with world.limiter.items(KEY, 199):
            pass
        with world.limiter.items(KEY, 1):
            pass
        refusal(world.limiter, items=1)  # half of 400
    shared.away = False
    for world in (first, second, first):
        await world.later(2.2)
    for world in (first, second):
        refusal(world.limiter, items=1)
        world.epoch += 31 * 86_400  # January
        await world.later(0.1)
        with world.limiter.items(KEY, 1):
            pass
        world.epoch -= 31 * 86_400  # the clock was wrong
        await world.later(0.1)
        refusal(world.limiter, items=1)


async def test_requests_that_come_at_once_pass_while_the_shared_bucket_has_tokens() -> None:
    """A sender within its limit that stood still for a moment is not refused."""
    shared = FakeShared()
    world = World(org(itemsPerSecond=100, burstSeconds=1), shared)
    for _ in range(30):
        await world.later(0.2)
        with world.limiter.items(KEY, 5):
            pass
    await world.later(0.6)
    for _ in range(6):
        with world.limiter.items(KEY, 5):
            pass
    for _ in range(20):  # but not more than a part of it, before it is asked again
        try:
            with world.limiter.items(KEY, 5):
                pass
        except Unavailable:
            break
    else:
        pytest.fail("nothing was refused")


async def test_an_idle_bucket_gives_back_what_it_holds_and_is_dropped() -> None:
    shared = FakeShared()
    world = World(org(itemsPerSecond=100), shared)
    with world.limiter.items(KEY, 10):
        pass
    await world.later(70)
    assert world.limiter.buckets == {}
    level, _ = shared.redis.buckets["org:acme:items"]
    assert level == 1000


async def test_counts_are_written_to_the_file_only_when_they_changed(tmp_path: Path) -> None:
    path = tmp_path / "limits-0.json"
    world = World(org(itemsPerMonth=100), FakeShared(), file=TotalsFile(tmp_path, 0))

    async def is_written_after(items: int) -> bool:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        with world.limiter.items(KEY, items):
            pass
        await world.later(11)
        return await asyncio.to_thread(path.exists)

    assert not await is_written_after(0)
    assert await is_written_after(5)
    assert not await is_written_after(0)
    assert await is_written_after(5)


class Faulty(FakeShared):
    """Redis behind a client with a bug."""

    async def lease(self, asks: Sequence[Ask]) -> list[Grant]:
        raise RuntimeError("a bug")


async def test_a_fault_in_a_tick_ends_no_sync() -> None:
    shared = Faulty()
    world = World(org(itemsPerSecond=100), shared)

    with world.limiter.items(KEY, 1):
        pass
    await world.later(1)
    assert world.health.degraded()[0]["part"] == "limits"
