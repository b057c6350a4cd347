"""Times that senders give: epoch milliseconds, or ISO 8601.

RFC 3339 with an offset is decoded by msgspec; the other forms of ISO 8601 by `datetime`. A time
without an offset is UTC. Both are stored as epoch milliseconds or RFC 3339.

A number in another unit is recognised by its size and becomes milliseconds: a number of today in
seconds, microseconds or nanoseconds is no plausible number of milliseconds.

    1e9  to 1e10     seconds         2001 to 2286
    1e15 to 1e16     microseconds    2001 to 2286
    1e18 to 1e19     nanoseconds     2001 to 2286
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from seamark.wire.failures import Rejected
from seamark.wire.limits import TIMESTAMP_MAX_MS, TIMESTAMP_MIN_MS
from seamark.wire.reasons import Reason

Timestamp = int | float | Annotated[datetime, Meta(tz=True)]
UNIT_CHANGED: Final = 2
"""Bit of `time_flag`: a time was sent in another unit than milliseconds. (1: no usable sentAt.)"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 48
_LONGEST_DATE: Final = 8
_MILLISECONDS_FROM: Final = 1e10
"""From here to the latest time that is stored a number is in milliseconds, and nothing else."""
_DECIMALS: Final = 3
"""Of a millisecond: what a double of seconds since the epoch can still tell apart, rounded."""


class Time(NamedTuple):
    """A time that can be stored: `value` as it is stored, `exact_ms` since the epoch, its flag."""

    value: int | float | datetime
    exact_ms: int | float
    flag: int = 0

    @property
    def ms(self) -> int:
        """Whole milliseconds since the epoch."""
        return int(self.exact_ms)


def epoch_ms(ts: int | float | datetime) -> int | float:
    """Milliseconds since the epoch; `ts` is already that, or an aware datetime."""
    if isinstance(ts, datetime):
        return (ts - _EPOCH).total_seconds() * 1000
    return ts


def earliest_and_latest(times: Sequence[int | float | datetime]) -> tuple[float, float]:
    """Of times of one batch, in ms since the epoch. `times` is not empty."""
    kinds = set(map(type, times))
    if datetime in kinds and len(kinds) > 1:
        times = [epoch_ms(ts) for ts in times]
    return epoch_ms(min(times)), epoch_ms(max(times))


def certainly_ms(first_ms: float, last_ms: float) -> bool:
    """Whether all times from first to last can be stored as they are, without a look at each."""
    return first_ms >= _MILLISECONDS_FROM and last_ms <= TIMESTAMP_MAX_MS


def normalized(ts: int | float | datetime, *, field: str) -> Time:
    """A time in milliseconds, whatever its unit was.

    Raises Rejected (INVALID_TIMESTAMP) naming `field` when the store could not hold it.
    """
    if isinstance(ts, datetime):
        return _in_range(Time(ts, epoch_ms(ts)), ts, field)
    if 1e9 <= ts < 1e10:
        return _in_range(_changed(ts * 1000), ts, field)
    if 1e15 <= ts < 1e16:
        return _in_range(_changed(ts // 1000), ts, field)
    if 1e18 <= ts < 1e19:
        return _in_range(_changed(ts // 1_000_000), ts, field)
    return _in_range(Time(ts, ts), ts, field)


def read(value: object, *, field: str) -> Time:
    """A time in any accepted form and unit, in range.

    Raises Rejected (INVALID_TIMESTAMP) naming `field`.
    """
    return normalized(parse(value, field=field), field=field)


def parse(value: object, *, field: str) -> int | float | datetime:
    """A time in any accepted form; its unit and range are not looked at (`normalized`).

    Raises Rejected (INVALID_TIMESTAMP) naming `field`.
    """
    if isinstance(value, str):
        return _read_text(value, field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _invalid(f"it is {'missing' if value is None else 'neither a number nor text'}", field)


def _changed(at_ms: int | float) -> Time:
    at_ms = round(at_ms, _DECIMALS)
    return Time(at_ms, at_ms, UNIT_CHANGED)


def _in_range(time: Time, ts: int | float | datetime, field: str) -> Time:
    if not TIMESTAMP_MIN_MS <= time.exact_ms <= TIMESTAMP_MAX_MS:
        raise _invalid(f"{str(ts)[:40]} is not between 1970 and 2100", field)
    return time


def _read_text(text: str, field: str) -> datetime:
    if text.isdigit() and len(text) > _LONGEST_DATE:
        raise _invalid("epoch milliseconds are sent as a number, without quotes", field)
    try:
        if len(text) > _LONGEST:
            raise ValueError
        ts = datetime.fromisoformat(text)
        if ts.tzinfo is None:
            return ts.replace(tzinfo=UTC)
        return ts.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid(f"{text[:40]!r} is not a time", field) from None


def _invalid(problem: str, field: str) -> Rejected:
    return Rejected(
        Reason.INVALID_TIMESTAMP,
        f"{problem}; send epoch milliseconds or ISO 8601 (2026-11-22T10:00:00Z)",
        field=field,
    )
