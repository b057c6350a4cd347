"""Times that senders give: epoch milliseconds, or ISO 8601.

RFC 3339 with an offset is decoded by msgspec; the other forms of ISO 8601 by `datetime`. A time
without an offset is UTC. Both are stored as epoch milliseconds or RFC 3339.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

from seamark.wire.failures import Rejected
from seamark.wire.limits import TIMESTAMP_MAX_MS, TIMESTAMP_MIN_MS
from seamark.wire.reasons import Reason

Timestamp = int | float | Annotated[datetime, Meta(tz=True)]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 48
_LONGEST_DATE: Final = 8


def epoch_ms(ts: int | float | datetime) -> int | float:
    """Milliseconds since the epoch; `ts` is already that, or an aware datetime."""
    if isinstance(ts, datetime):
        return (ts - _EPOCH).total_seconds() * 1000
    return ts


def in_range(at_ms: int | float) -> bool:
    """Whether the store can hold this time."""
    return TIMESTAMP_MIN_MS <= at_ms <= TIMESTAMP_MAX_MS


def earliest_and_latest(times: Sequence[int | float | datetime]) -> tuple[float, float]:
    """Of times of one batch, in ms since the epoch. `times` is not empty."""
    kinds = set(map(type, times))
    if datetime in kinds and len(kinds) > 1:
        times = [epoch_ms(ts) for ts in times]
    return epoch_ms(min(times)), epoch_ms(max(times))


def read(value: object, *, field: str) -> int | float | datetime:
    """A time in any accepted form, in range.

    Raises Rejected(INVALID_TIMESTAMP) naming `field`.
    """
    ts: int | float | datetime
    if isinstance(value, str):
        ts = _read_text(value, field)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        ts = value
    else:
        raise _wrong(f"it is {'missing' if value is None else 'neither a number nor text'}", field)
    return checked(ts, field=field)


def checked(ts: int | float | datetime, *, field: str) -> int | float | datetime:
    """The same time. Raises Rejected(INVALID_TIMESTAMP) when the store could not hold it."""
    if not in_range(epoch_ms(ts)):
        raise out_of_range(ts, field=field)
    return ts


def out_of_range(ts: int | float | datetime, *, field: str) -> Rejected:
    """The rejection of a time the store could not hold."""
    return _wrong(f"{str(ts)[:40]} is not between 1970 and 2100", field)


def _read_text(text: str, field: str) -> datetime:
    if text.isdigit() and len(text) > _LONGEST_DATE:
        raise _wrong("epoch milliseconds are sent as a number, without quotes", field)
    try:
        if len(text) > _LONGEST:
            raise ValueError
        ts = datetime.fromisoformat(text)
        if ts.tzinfo is None:
            return ts.replace(tzinfo=UTC)
        return ts.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(f"{text[:40]!r} is not a time", field) from None


def _wrong(what: str, field: str) -> Rejected:
    return Rejected(
        Reason.INVALID_TIMESTAMP,
        f"{what}; send epoch milliseconds or ISO 8601 (2026-11-22T10:00:00Z)",
        field=field,
    )
