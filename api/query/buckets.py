"""The buckets of a series: consecutive, whole, of one granularity in one calendar. Pure.

Where all are equally long they are described by a length and an origin, so that a long range costs
nothing; months, and days across a change of clocks, are listed one by one.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from api.query.calendar import UTC_CALENDAR, Calendar, long_starts, short_starts
from api.query.statement import Values
from api.query.timerange import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, TimeRange
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Unit = Literal["m", "h", "d", "w", "mo"]
_UNIT_MS: Final[dict[str, int]] = {
    "m": MINUTE_MS,
    "h": HOUR_MS,
    "d": DAY_MS,
    "w": WEEK_MS,
    "mo": 30 * DAY_MS,
}
_WORDS: Final = {"minute": "1m", "hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
_TEXT: Final = re.compile(r"([1-9][0-9]{0,5})(mo|[smhdw])\Z")
_LONGEST_MS: Final = 530 * WEEK_MS
_AUTO: Final[tuple[tuple[int, Unit], ...]] = (
    (1, "m"), (5, "m"), (15, "m"), (1, "h"), (6, "h"), (1, "d"), (1, "w"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BucketStep:
    """A granularity as written: so many of a unit."""

    count: int
    unit: Unit

    @property
    def text(self) -> str:
        """As it is written in questions."""
        return f"{self.count}{self.unit}"

    @property
    def about_ms(self) -> int:
        """Its length; of months, 30 days each."""
        return self.count * _UNIT_MS[self.unit]


@dataclass(frozen=True, slots=True)
class Buckets:
    """The whole buckets that touch a range. `range` goes from the start of the first to the end of
    the last.

    `length_ms` and `origin_ms` where all are equally long; else `length_ms` is 0, and `bounds_ms`
    are their starts and the last one's end.
    """

    text: str
    range: TimeRange
    length_ms: int
    origin_ms: int = 0
    bounds_ms: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many there are."""
        if self.length_ms:
            return -(-self.range.length_ms // self.length_ms)
        return len(self.bounds_ms) - 1

    def fits(self, resolution_ms: int) -> bool:
        """Whether rows of a rollup of this resolution lie within one bucket each."""
        if self.length_ms:
            return self.length_ms % resolution_ms == self.origin_ms % resolution_ms == 0
        return all(bound % resolution_ms == 0 for bound in self.bounds_ms)

    def running_at(self, now_ms: int) -> int | None:
        """The start of the bucket that has not ended at `now_ms`; None where all have."""
        if not self.range.from_ms <= now_ms < self.range.to_ms:
            return None
        if self.length_ms:
            return now_ms - (now_ms - self.origin_ms) % self.length_ms
        return max(bound for bound in self.bounds_ms if bound <= now_ms)

    @property
    def starts_ms(self) -> tuple[int, ...]:
        """The start of each."""
        if not self.length_ms:
            return self.bounds_ms[:-1]
        return tuple(range(self.range.from_ms, self.range.to_ms, self.length_ms))

    def end_of(self, start_ms: int) -> int:
        """The end of the bucket that starts then."""
        if self.length_ms:
            return start_ms + self.length_ms
        return self.bounds_ms[self.bounds_ms.index(start_ms) + 1]

    def start_sql(self, values: Values, seconds: str = "toInt64(toUnixTimestamp(time))") -> str:
        """SQL (Int64, milliseconds) of the start of the bucket that holds a row's `time`.

        `seconds`: SQL (Int64) of another time, in seconds since the epoch.
        """
        if not self.length_ms:
            bounds = ",".join(str(bound // 1000) for bound in self.bounds_ms)
            return f"roundDown({seconds}, {values.add(f'[{bounds}]', 'Array(Int64)')}) * 1000"
        origin, step = (
            values.integer(self.origin_ms // 1000),
            values.integer(self.length_ms // 1000),
        )
        return f"(intDiv({seconds} - {origin}, {step}) * {step} + {origin}) * 1000"

    def seconds_sql(self, values: Values, now_ms: int) -> str:
        """SQL of how many seconds of the bucket that starts at `bucket` (ms) have passed.

        Of the running one at least 1, and whole seconds, so that equal questions of one second are
        equal statements.
        """
        running = self.running_at(now_ms)
        elapsed = 1 if running is None else max((now_ms - running) // 1000, 1)
        if self.length_ms:
            whole = str(self.length_ms // 1000)
            if running is None:
                return whole
            return f"if(bucket = {values.integer(running)}, {values.integer(elapsed)}, {whole})"
        starts, seconds = [], []
        for start, end in itertools.pairwise(self.bounds_ms):
            starts.append(str(start))
            seconds.append(str(elapsed if start == running else (end - start) // 1000))
        listed = (values.add(f"[{','.join(part)}]", "Array(Int64)") for part in (starts, seconds))
        return f"transform(bucket, {', '.join(listed)}, 1)"


def parse_step(text: str) -> BucketStep:
    """`1m`, `5m`, `6h`, `1d`, `2w`, `1mo`, or `minute`, `hour`, `day`, `week`, `month`.

    A whole number of minutes. Raises Rejected.
    """
    match = _TEXT.match(_WORDS.get(text, text))
    step = None
    if match is not None:
        count, unit = int(match[1]), match[2]
        if unit == "s":
            count, unit = (count // 60, "m") if count % 60 == 0 else (0, "m")
        step = _shortest(BucketStep(count, unit))  # type: ignore[arg-type]  # by the pattern
    if step is None or not 0 < step.about_ms <= _LONGEST_MS:
        raise Rejected(
            QuestionReason.INVALID_GRANULARITY,
            f"granularity {text[:40]!r} is not a whole number of minutes; write auto, minute, "
            "hour, day, week, month, or a number with m, h, d, w or mo: 1m, 5m, 1h, 1d, 1w, 1mo.",
            field="granularity",
        )
    return step


def _shortest(step: BucketStep) -> BucketStep:
    """60m is 1h, 24h is 1d; 7d stays, because weeks have a day to begin on."""
    for unit, larger, ratio in (("m", "h", 60), ("h", "d", 24)):
        if step.unit == unit and step.count and step.count % ratio == 0:
            step = BucketStep(step.count // ratio, larger)  # type: ignore[arg-type]  # both are units
    return step


def choose_buckets(
    text: str,
    asked: TimeRange,
    *,
    calendar: Calendar = UTC_CALENDAR,
    finest_ms: int,
    auto_buckets: int,
    most_buckets: int,
) -> Buckets:
    """The buckets of a series.

    `auto` or "" takes the finest of 1m 5m 15m 1h 6h 1d 1w with at most `auto_buckets` of them, and
    whole weeks beyond that. `finest_ms` is what the store still keeps for this range. Raises
    Rejected when bounds lie between what is kept, or there are more than `most_buckets`.
    """
    if text in ("", "auto"):
        return buckets_of(_automatic(asked, finest_ms, auto_buckets, calendar), asked, calendar)
    step = parse_step(text)
    about = -(-asked.length_ms // step.about_ms)
    if about > most_buckets:
        raise Rejected(
            QuestionReason.TOO_MUCH,
            f"granularity {text} makes {about} buckets of this range; the limit is {most_buckets}. "
            f"{_automatic(asked, finest_ms, auto_buckets, calendar).text} would do.",
            field="granularity",
        )
    made = buckets_of(step, asked, calendar)
    if not made.fits(finest_ms):
        raise Rejected(
            QuestionReason.INVALID_GRANULARITY,
            f"granularity {text} in {calendar.zone} is finer than what is kept for a range that "
            f"begins this long ago, {finest_ms // MINUTE_MS}m from {finest_ms // MINUTE_MS}m; use "
            f"multiples of it, another tz, or a later from.",
            field="granularity",
        )
    return made


def _automatic(
    asked: TimeRange, finest_ms: int, auto_buckets: int, calendar: Calendar
) -> BucketStep:
    for count, unit in _AUTO:
        step = BucketStep(count, unit)
        if asked.length_ms <= step.about_ms * auto_buckets and buckets_of(
            step, asked, calendar
        ).fits(finest_ms):
            return step
    return BucketStep(-(-asked.length_ms // (WEEK_MS * auto_buckets)), "w")


def buckets_of(step: BucketStep, asked: TimeRange, calendar: Calendar = UTC_CALENDAR) -> Buckets:
    """The whole buckets that touch a range."""
    if calendar.is_utc and step.unit != "mo":
        length_ms = step.about_ms
        origin_ms = calendar.week_origin * 1000 if step.unit == "w" else 0
        first = asked.from_ms - (asked.from_ms - origin_ms) % length_ms
        last = asked.to_ms - 1 - (asked.to_ms - 1 - origin_ms) % length_ms
        covered = TimeRange(max(first, 0), last + length_ms)
        return Buckets(step.text, covered, length_ms, origin_ms)
    since, until = asked.from_ms // 1000, -(-asked.to_ms // 1000)
    length = step.about_ms // 1000
    if step.unit == "mo":
        bounds = long_starts(calendar, "month", step.count, since, until)
    elif step.about_ms <= HOUR_MS:
        bounds = short_starts(ZoneInfo(calendar.zone), length, since, until)
    else:
        unit: Literal["fixed", "week"] = "week" if step.unit == "w" else "fixed"
        bounds = long_starts(calendar, unit, length, since, until)
    return _listed(step, [bound * 1000 for bound in bounds])


def _listed(step: BucketStep, bounds_ms: list[int]) -> Buckets:
    covered = TimeRange(max(bounds_ms[0], 0), bounds_ms[-1])
    lengths = {end - start for start, end in itertools.pairwise(bounds_ms)}
    if len(lengths) == 1:
        (length_ms,) = lengths
        return Buckets(step.text, covered, length_ms, bounds_ms[0] % length_ms)
    return Buckets(step.text, covered, 0, bounds_ms=tuple(bounds_ms))
