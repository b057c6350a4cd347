"""Shares of the log: who is refused what, and for how long what was sent counts."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.admission.limits.log_use import LogUse
from collector.admission.limits.totals import Totals
from collector.log import LogFrame
from collector.shedding.levels import Level, Thresholds
from collector.shedding.log_shares import CountedLog, LogShares
from seamark.service.registry import OrgRecord
from seamark.service.registry.limits import OrgLimits
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

DAY = 86_400.0
NOW = 1_795_316_640.0
STREAM_BYTES = 100_000


class Taken:
    """A log that takes everything."""

    async def append(self, frame: LogFrame) -> None:
        pass


def shares(orgs: Mapping[str, float | None], *, percent: float = 100.0) -> LogShares:
    records = {
        org: OrgRecord(org=org, name=org, limits=OrgLimits(log_percent=share))
        for org, share in orgs.items()
    }
    found = LogShares(
        records,
        LogUse(Totals("c"), max_age_seconds=DAY),
        percent=percent,
        max_bytes=STREAM_BYTES,
        partitions=2,
        thresholds=Thresholds(),
    )
    found.refresh(NOW)
    return found


def frame(org: str, size: int, partition: int = 0) -> LogFrame:
    return LogFrame(Signal.EVENTS, partition, b"x" * size, 1, org=org)


async def test_an_org_is_shed_by_its_own_share_and_no_other_org_is() -> None:
    found = shares({"acme": 20.0, "umbra": None})
    log = CountedLog(Taken(), found)
    await log.append(frame("acme", 16_900))
    await log.append(frame("umbra", 90_000))
    await log.append(frame("acme", 16_900, partition=1))
    found.refresh(NOW)
    assert found.levels == {}

    await log.append(frame("acme", 2_200))  # 95.5 % of 20 %
    found.refresh(NOW)
    assert found.levels == {("acme", Signal.EVENTS): Level.MOST}
    found.check_request("umbra", Signal.EVENTS, b"")
    found.check_request("acme", Signal.METRICS, b"")
    found.check_request("acme", Signal.EVENTS, b"", ["exception"])
    with pytest.raises(Unavailable) as raised:
        found.check_request("acme", Signal.EVENTS, b"", ["page_view"])
    assert raised.value.reason is Reason.LOG_SHARE
    assert "20 % of a stream" in raised.value.message

    await log.append(frame("acme", 900))
    found.refresh(NOW)
    with pytest.raises(Unavailable):
        found.check_request("acme", Signal.EVENTS, b"", ["exception"])
    found.refresh(NOW + 0.99 * DAY)
    assert found.levels
    found.refresh(NOW + 1.1 * DAY)
    assert found.levels == {}


async def test_nothing_is_counted_while_no_org_has_a_share() -> None:
    found = shares({"acme": None})
    await CountedLog(Taken(), found).append(frame("acme", 99_000))
    found.refresh(NOW)
    assert (found.active, found.levels, found.use.bytes("SEAMARK_events_0")) == (False, {}, {})


async def test_a_default_share_holds_for_orgs_without_a_record_of_it() -> None:
    found = shares({"acme": None, "vip": 100.0}, percent=50.0)
    log = CountedLog(Taken(), found)
    for org in ("acme", "vip", "unknown", ""):
        await log.append(frame(org, 51_000))
    found.refresh(NOW)
    assert found.levels == {
        ("acme", Signal.EVENTS): Level.ALL,
        ("unknown", Signal.EVENTS): Level.ALL,
    }


def test_names_that_are_no_periods_are_dropped() -> None:
    totals = Totals("c")
    totals.load({"log:SEAMARK_events_0:x": {"c:acme": 1}, "log:": {"c:acme": 1}})
    LogUse(totals, max_age_seconds=DAY).begin(NOW)
    assert totals.sets == {}


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 1000), st.integers(0, 7200)), max_size=60
    ),
    st.sampled_from([0.0, 100.0, 3600.0, DAY]),
)
def test_what_counts_is_what_the_log_has_to_a_period(
    sent: list[tuple[str, int, int]], max_age: float
) -> None:
    use, now, truth = LogUse(Totals("c"), max_age_seconds=max_age), NOW, list[tuple[float, int]]()
    width = max(max_age / 24, 60.0)
    for org, size, later in sent:
        now += later
        use.begin(now)
        use.add("s", org, size)
        if org == "a":
            truth.append((now, size))
        least = sum(n for at, n in truth if not max_age or now - at <= max_age)
        most = sum(n for at, n in truth if not max_age or now - at <= 24 * width + 2 * width)
        assert least <= use.bytes("s")["a"] <= most
