"""Laws of buckets in time zones, held to `zoneinfo` around every change of clocks of some zones."""

import bisect
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.buckets import Buckets, buckets_of, parse_step
from api.query.calendar import Calendar, WeekStart, calendar_of, offset_at
from api.query.timerange import TimeRange

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # half an hour off; clocks changed at 00:01 until 2011
    "Australia/Lord_Howe",  # by half an hour
    "America/Santiago",  # at midnight
    "America/Havana",  # midnight occurs twice
    "Asia/Kathmandu",
    "Pacific/Apia",  # 2011-12-30 did not occur
    "Africa/Casablanca",
    "Antarctica/Troll",  # by two hours
]
MINUTE, HOUR, DAY = 60, 3600, 86_400
FROM, TO = 978_307_200, 2_145_916_800  # 2001 to 2037


def all_changes(name: str) -> list[int]:
    """Every second from 2001 to 2037 at which the zone's offset changes."""
    zone, found = ZoneInfo(name), []
    for at in range(FROM, TO, DAY):
        before, after = offset_at(zone, at), offset_at(zone, at + DAY)
        if before != after:
            low, high = at, at + DAY
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(zone, middle) == before else (low, middle)
            found.append(high)
    return found


CHANGES: dict[str, list[int]] = {name: all_changes(name) for name in ZONES}


def local(zone: ZoneInfo, instant: int) -> datetime:
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None)


def starts(made: Buckets) -> list[int]:
    """Starts in seconds, and the end of the last."""
    if made.length_ms:
        return list(
            range(made.range.from_ms // 1000, made.range.to_ms // 1000 + 1, made.length_ms // 1000)
        )
    return [bound // 1000 for bound in made.bounds_ms]


@st.composite
def ranges(draw: st.DrawFn, longest: int) -> tuple[str, TimeRange]:
    """A zone and a range, mostly near a change of its clocks."""
    name = draw(st.sampled_from(ZONES))
    changed = CHANGES[name]
    if draw(st.booleans()) and changed:
        near = draw(st.sampled_from(changed))
        first = near + draw(st.integers(-longest, DAY))
    else:
        first = draw(st.integers(FROM, TO - longest))
    return name, TimeRange(first * 1000, (first + draw(st.integers(1, longest))) * 1000)


def check_cover(made: Buckets, asked: TimeRange) -> list[int]:
    bounds = starts(made)
    assert bounds == sorted(set(bounds))
    assert made.count == len(bounds) - 1
    assert bounds[0] * 1000 <= asked.from_ms < bounds[1] * 1000
    assert bounds[-2] * 1000 < asked.to_ms <= bounds[-1] * 1000
    assert made.range == TimeRange(bounds[0] * 1000, bounds[-1] * 1000)
    return bounds


def day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def week(first: int) -> Callable[[datetime], datetime]:
    return lambda moment: day(moment) - timedelta(days=(moment.weekday() - first) % 7)


def month(moment: datetime) -> datetime:
    return day(moment).replace(day=1)


PERIODS: list[tuple[str, WeekStart, Callable[[datetime], datetime]]] = [
    ("1d", "monday", day),
    ("day", "monday", day),
    ("1w", "monday", week(0)),
    ("week", "sunday", week(6)),
    ("1w", "saturday", week(5)),
    ("1mo", "monday", month),
    ("month", "monday", month),
    ("6h", "monday", lambda moment: day(moment) + timedelta(hours=moment.hour // 6 * 6)),
    ("2h", "monday", lambda moment: day(moment) + timedelta(hours=moment.hour // 2 * 2)),
]


@settings(max_examples=200, deadline=None)
@given(ranges(70 * DAY), st.sampled_from(PERIODS))
def test_a_long_bucket_begins_at_the_first_instant_of_its_local_period(
    asked: tuple[str, TimeRange], period: tuple[str, WeekStart, Callable[[datetime], datetime]]
) -> None:
    name, range_ = asked
    text, week_start, label = period
    zone = ZoneInfo(name)
    made = buckets_of(parse_step(text), range_, calendar_of(name, week_start))
    bounds = check_cover(made, range_)
    for bound in bounds:
        here = label(local(zone, bound))
        # nothing of this period, or of a later one, was before it in the last three days
        earlier = range(bound - 3 * DAY, bound, 17 * MINUTE)
        assert all(label(local(zone, instant)) < here for instant in (*earlier, bound - MINUTE))
    # between two starts no other period begins for the first time
    for start, end in itertools.pairwise(bounds):
        here = label(local(zone, start))
        assert all(
            label(local(zone, instant)) <= here for instant in range(start, end, 13 * MINUTE)
        )


@settings(max_examples=150, deadline=None)
@given(ranges(4 * DAY), st.sampled_from([1, 5, 15, 30, 60]))
def test_a_short_bucket_lies_within_one_local_hour_and_offset(
    asked: tuple[str, TimeRange], minutes: int
) -> None:
    name, range_ = asked
    zone = ZoneInfo(name)
    made = buckets_of(parse_step(f"{minutes}m"), range_, calendar_of(name))
    bounds = check_cover(made, range_)
    for start, end in itertools.pairwise(bounds):
        assert end - start <= minutes * MINUTE
        moments = [local(zone, instant) for instant in (start, end - MINUTE)]
        labels = {moment.replace(minute=moment.minute // minutes * minutes) for moment in moments}
        labels = {label.replace(minute=0) if minutes == 60 else label for label in labels}
        assert len(labels) == 1
        assert offset_at(zone, start) == offset_at(zone, end - 1)
        assert start in CHANGES[name] or local(zone, start) in labels


@settings(max_examples=100, deadline=None)
@given(ranges(20 * DAY), st.sampled_from(["1h", "6h", "1d", "week", "month", "30m"]))
def test_the_same_buckets_cover_what_they_cover(asked: tuple[str, TimeRange], text: str) -> None:
    name, range_ = asked
    calendar = calendar_of(name)
    made = buckets_of(parse_step(text), range_, calendar)
    assert buckets_of(parse_step(text), made.range, calendar) == made
    bounds = starts(made)
    for now in (range_.from_ms, range_.to_ms - 1, made.range.to_ms - 1):
        assert made.running_at(now) == bounds[bisect.bisect(bounds, now // 1000) - 1] * 1000
    assert made.running_at(made.range.to_ms) is None


@pytest.mark.parametrize("name", [name for name in ZONES if CHANGES[name]])
def test_days_across_every_change_are_as_long_as_the_calendar_says(name: str) -> None:
    zone = ZoneInfo(name)
    for change in CHANGES[name]:
        range_ = TimeRange((change - DAY) * 1000, (change + DAY) * 1000)
        bounds = check_cover(buckets_of(parse_step("1d"), range_, Calendar(name)), range_)
        for start, end in itertools.pairwise(bounds):
            shift = offset_at(zone, end) - offset_at(zone, start)
            dates = (local(zone, end).date() - local(zone, start).date()).days
            assert abs(end - start - (dates * DAY - shift)) <= 61 * MINUTE
            if local(zone, start).time() == local(zone, end).time():
                assert end - start == dates * DAY - shift


def test_a_utc_month_and_week_are_those_of_the_calendar() -> None:
    asked = TimeRange(*(int(datetime(2028, m, 29, tzinfo=UTC).timestamp()) * 1000 for m in (1, 3)))
    made = buckets_of(parse_step("month"), asked)
    expected = [datetime(2028, m, 1, tzinfo=UTC).timestamp() for m in (1, 2, 3, 4)]
    assert starts(made) == expected
