"""Time in questions: instants as people write them, ranges, and the buckets of a series.

All times are UTC and count in milliseconds since the Unix epoch; `now_ms` is always an argument.
A series is made of whole buckets: a range is widened to the bounds of its buckets, so that its
first bar means the same as the others and equal questions have equal answers.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
WEEK_MS: Final = 7 * DAY_MS
_MAX_MS: Final = 4_102_444_800_000
"""2100-01-01."""
NARROWER: Final = "Move from and to closer together."
"""What to do where a range is too long."""
_UNITS_MS: Final = {"s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}
_RELATIVE: Final = re.compile(r"now(?:([+-])([0-9]{1,9})([smhdw]))?\Z")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Half open: `from_ms` <= time < `to_ms`."""

    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        """Duration in milliseconds."""
        return self.to_ms - self.from_ms


@dataclass(frozen=True, slots=True)
class Granularity:
    """A length of time of which whole ones are answered, counted from 1970."""

    length_ms: int

    def fits(self, resolution_ms: int) -> bool:
        """Whether rows of a rollup of this resolution lie within one each."""
        return self.length_ms % resolution_ms == 0

    def start_of(self, time_ms: int) -> int:
        """Start of the one that holds `time_ms`."""
        return time_ms - time_ms % self.length_ms

    def cover(self, asked: TimeRange) -> TimeRange:
        """The whole ones that touch `asked`."""
        last = self.start_of(asked.to_ms - 1)
        return TimeRange(self.start_of(asked.from_ms), last + self.length_ms)


def parse_instant(value: str | int | float, *, now_ms: int, field: str, zone: tzinfo = UTC) -> int:
    """An instant: epoch milliseconds (number or digits), ISO 8601, `now` or `now-1h` (s m h d w).

    ISO 8601 without an offset is local time of `zone`. Raises Rejected naming `field`.
    """
    if isinstance(value, bool):
        raise _not_a_time(str(value), field)
    if isinstance(value, int | float):
        return _bounded(value, field)
    text = value.strip()
    relative = _RELATIVE.match(text)
    if relative:
        sign, amount, unit = relative.groups()
        shift = int(amount) * _UNITS_MS[unit] if amount else 0
        return _bounded(now_ms + (shift if sign == "+" else -shift), field)
    if text.isascii() and text.isdigit() and len(text) > 8:
        return _bounded(int(text[:20]), field)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_time(value, field) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return _bounded(moment.timestamp() * 1000, field)
    except OverflowError:
        raise _not_a_time(value, field) from None


def _bounded(value_ms: float, field: str) -> int:
    if not 0 <= value_ms <= _MAX_MS:
        raise Rejected(
            QuestionReason.INVALID_TIME,
            f"{field} is {value_ms:.0f} ms since 1970, outside 1970 to 2100; "
            "epoch times are in milliseconds.",
            field=field,
        )
    return int(value_ms)


def _not_a_time(value: str, field: str) -> Rejected[QuestionReason]:
    return Rejected(
        QuestionReason.INVALID_TIME,
        f"{field} {value[:40]!r} is not a time; write now-1h, 2026-11-22T10:00:00Z, "
        "or milliseconds since 1970.",
        field=field,
    )


def parse_range(
    from_: str | int | float,
    to: str | int | float,
    *,
    now_ms: int,
    longest_ms: int = 0,
    narrower: str = NARROWER,
    zone: tzinfo = UTC,
) -> TimeRange:
    """A range that is not empty, and not longer than `longest_ms` unless that is 0; `narrower` says
    what to do then."""
    asked = TimeRange(
        parse_instant(from_, now_ms=now_ms, field="from", zone=zone),
        parse_instant(to, now_ms=now_ms, field="to", zone=zone),
    )
    if asked.length_ms <= 0:
        raise Rejected(
            QuestionReason.INVALID_TIME,
            "from must be before to; this range is empty.",
            field="from",
        )
    if longest_ms and asked.length_ms > longest_ms:
        raise Rejected(
            QuestionReason.TOO_MUCH,
            f"The range is {asked.length_ms / DAY_MS:.1f} days; this search takes at most "
            f"{longest_ms / DAY_MS:g} days. {narrower}",
            field="from",
        )
    return asked
