"""What `seamark replay` was asked for. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from seamark.recovery.stack import RecoveryError
from seamark.recovery.tables import RAW_RETENTION_DAYS
from seamark.wire.signals import Signal

_AGO: Final = re.compile(r"(\d+)([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class RecoveryRequest:
    """[begin, end) by receipt; `app` "" and all signals when none was named."""

    begin: datetime
    end: datetime
    app: str
    signals: tuple[Signal, ...]

    @property
    def hours(self) -> tuple[int, int]:
        """First hour since the epoch, and the one after the last."""
        return int(self.begin.timestamp()) // 3600, -(-int(self.end.timestamp()) // 3600)

    @property
    def params(self) -> dict[str, object]:
        """For queries."""
        return {
            "a": int(self.begin.timestamp() * 1000),
            "b": int(self.end.timestamp() * 1000),
            "app": self.app,
        }

    def condition(self, column: str) -> str:
        """SQL: what is in the range, by a DateTime64 column."""
        only = " AND app = {app:String}" if self.app else ""
        return (
            f"{column} >= fromUnixTimestamp64Milli({{a:Int64}}, 'UTC')"
            f" AND {column} < fromUnixTimestamp64Milli({{b:Int64}}, 'UTC'){only}"
        )

    def require_whole_files(self) -> None:
        """Raises RecoveryError unless it is whole hours of all apps."""
        if self.app:
            raise RecoveryError(
                f"--app {self.app}: a file of the archive holds all apps, and --into fresh takes "
                "whole files; --into live can bring back one app"
            )
        for name, when in (("--from", self.begin), ("--to", self.end)):
            if (when.minute, when.second, when.microsecond) != (0, 0, 0):
                raise RecoveryError(
                    f"{name} {when:%Y-%m-%dT%H:%M:%SZ} is not a whole hour: the archive is kept by "
                    "the hour, and --into fresh takes whole files"
                )

    def require_retained(self, now: datetime) -> None:
        """Raises RecoveryError when raw rows of the range may have been dropped already."""
        oldest = (now - timedelta(days=RAW_RETENTION_DAYS - 1)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        if self.begin < oldest:
            raise RecoveryError(
                f"--from {self.begin:%Y-%m-%dT%H:%MZ} is before {oldest:%Y-%m-%dT%H:%MZ}: raw rows "
                f"are kept for {RAW_RETENTION_DAYS} days, so it cannot be told what is missing, "
                "and the rollups, which are kept for longer, would be doubled. Say a later --from, "
                "or rebuild the whole store (--rebuild)"
            )


def parse_time(text: str, now: datetime) -> datetime:
    """RFC 3339 (UTC if it says no offset), `now`, or so long ago: 90m, 24h, 7d.

    Raises RecoveryError.
    """
    if text == "now":
        return now
    if found := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise RecoveryError(
            f"{text!r} is no time: say 2026-11-22T03:00:00Z, 24h (ago) or now"
        ) from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def chosen(begin: str, end: str, app: str, signal: str, *, now: datetime) -> RecoveryRequest:
    """What the options of `seamark replay` mean. Raises RecoveryError."""
    if not begin:
        raise RecoveryError("--from is missing: from when on, for instance 2026-11-22T03:00:00Z")
    try:
        signals = (Signal(signal),) if signal else tuple(Signal)
    except ValueError:
        known = ", ".join(Signal)
        raise RecoveryError(f"--signal {signal!r} is none of {known}") from None
    request = RecoveryRequest(parse_time(begin, now), parse_time(end or "now", now), app, signals)
    if request.begin >= request.end:
        raise RecoveryError(f"--from {begin} is not before --to {end or 'now'}")
    return request
