"""Bounds of minutes, hours, days, weeks and months in a time zone, as UTC instants. Pure.

A bucket of more than an hour begins at the first instant whose local time is at or after its local
start: where clocks are put forward over it, that is the moment of the change; where they are put
back over it, the first of the two. Days are so 23, 24 or 25 hours long. Buckets of an hour and less
are cut from the local clock between two changes of it: an hour that occurs twice is two buckets.
Times are whole seconds since the Unix epoch, bounds whole minutes. The zones are those of the IANA
time zone database (https://www.iana.org/time-zones).
"""

import functools
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from api.query.near import did_you_mean
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
WeekStart = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: Final = ("thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday")
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A time zone by its IANA name, and the day on which weeks begin."""

    zone: str = "UTC"
    week_start: WeekStart = "monday"

    @property
    def is_utc(self) -> bool:
        """Whether local time is UTC, always."""
        return self.zone == "UTC"

    @property
    def week_origin(self) -> int:
        """Local seconds since 1970 of the first start of a week."""
        return _WEEKDAYS.index(self.week_start) * DAY


UTC_CALENDAR: Final = Calendar()


def calendar_of(zone: str, week_start: WeekStart = "monday") -> Calendar:
    """A calendar. Raises Rejected, with near matches, for a zone that does not exist."""
    if zone in ("", "UTC", "Etc/UTC"):
        return Calendar("UTC", week_start)
    if zone not in _zones():
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"tz {zone[:64]!r} is not a time zone of the IANA database, like Europe/Berlin or "
            f"UTC.{did_you_mean(zone[:64], _zones())}",
            field="tz",
        )
    return Calendar(zone, week_start)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def offset_at(zone: ZoneInfo, instant: int) -> int:
    """Local time minus UTC, in seconds."""
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def change_between(zone: ZoneInfo, since: int, until: int) -> int:
    """The first second with the offset of `until`, when it differs from that of `since` and there
    is one change between them."""
    before = offset_at(zone, since)
    while until - since > 1:
        middle = (since + until) // 2
        if offset_at(zone, middle) == before:
            since = middle
        else:
            until = middle
    return until


def first_instant(zone: ZoneInfo, local: int) -> int:
    """The first whole minute whose local time is at or after `local` (seconds since 1970)."""
    since, until = local - DAY, local + DAY
    before, after = offset_at(zone, since), offset_at(zone, until)
    instant = local - before
    if before != after:
        change = change_between(zone, since, until)
        if local >= change + before:
            instant = max(change, local - after)
    return instant - instant % MINUTE


def changes(zone: ZoneInfo, since: int, until: int) -> list[int]:
    """The seconds in (since, until] at which the offset changes; two within a day are one."""
    found = []
    at, offset = since, offset_at(zone, since)
    while at < until:
        following = min(at + DAY, until)
        changed = offset_at(zone, following)
        if changed != offset:
            found.append(change_between(zone, at, following))
        at, offset = following, changed
    return found


def short_starts(zone: ZoneInfo, length: int, since: int, until: int) -> list[int]:
    """Starts of buckets of at most an hour: from the one that holds `since` to the first at or
    after `until`."""
    first, last = since - 2 * HOUR, until + 2 * HOUR
    edges = [first, *changes(zone, first, last), last]
    starts: set[int] = set()
    for begin, end in itertools.pairwise(edges):
        aligned = begin - (begin + offset_at(zone, begin)) % length
        for start in range(aligned, end, length):
            cut = start if begin == first else max(start, begin)
            starts.add(cut - cut % MINUTE)
    return _around(iter(sorted(starts)), since, until)


def long_starts(
    calendar: Calendar, unit: Literal["fixed", "week", "month"], length: int, since: int, until: int
) -> list[int]:
    """As `short_starts`, of longer buckets: `length` in seconds, or in months."""
    zone = ZoneInfo(calendar.zone)
    local = since + offset_at(zone, since)
    if unit == "month":
        labels = _months(local, length)
    else:
        origin = calendar.week_origin if unit == "week" else 0
        labels = _steps(local - (local - origin) % length, length)
    return _around((first_instant(zone, label) for label in labels), since, until)


def _steps(first: int, length: int) -> Iterator[int]:
    # one earlier: a change may have put the local clock back behind a start already passed
    label = first - length
    while True:
        yield label
        label += length


def _months(local: int, length: int) -> Iterator[int]:
    moment = datetime.fromtimestamp(local, UTC)
    month = (moment.year * 12 + moment.month - 1) // length * length - length
    while True:
        yield int(
            datetime.combine(
                date(month // 12, month % 12 + 1, 1), datetime.min.time(), UTC
            ).timestamp()
        )
        month += length


def _around(starts: Iterator[int], since: int, until: int) -> list[int]:
    """From the last start that is not after `since` to the first that is not before `until`."""
    found: list[int] = []
    for start in starts:
        if found and start <= found[-1]:
            continue
        if start <= since:
            found = [start]
        else:
            found.append(start)
        if start >= until:
            break
    return found
