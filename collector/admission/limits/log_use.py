"""Bytes of each org in each stream of the log: those it was sent within the log's retention. Pure.

The log does not know the org of a message, so collectors count what it acknowledged, in periods of
a 24th of the retention; a period counts until all of it has left the log. So an org's part is known
to a 24th, and rather too large than too small. The counts are merged like those of a month
(`totals.py`). What was sent before any org had a share is not counted.
"""

from collections import Counter
from typing import Final

from collector.admission.limits.totals import Totals

_PREFIX: Final = "log:"
_PERIODS: Final = 24
_LEAST_SECONDS: Final = 60.0


class LogUse:
    """What every org has in every stream. `max_age_seconds`: the log's retention; 0: for ever."""

    def __init__(self, totals: Totals, *, max_age_seconds: float) -> None:
        self._totals = totals
        self._width = max(max_age_seconds / _PERIODS, _LEAST_SECONDS) if max_age_seconds else 0.0
        self._period = 0
        self._read: set[str] = set()

    @property
    def keep_seconds(self) -> float:
        """How long a set is of use after it was last merged."""
        return (_PERIODS + 2) * self._width or 10 * 365 * 86400.0

    def begin(self, seconds: float) -> None:
        """It is `seconds` since the epoch now; what has left the log is forgotten."""
        self._period = int(seconds // self._width) if self._width else 0
        live = set(self._periods())
        for name in [name for name in self._totals.sets if name.startswith(_PREFIX)]:
            period = name.rpartition(":")[2]
            if not period.isdecimal() or int(period) not in live:
                del self._totals.sets[name]
                self._read.discard(name)

    def add(self, stream: str, org: str, size: int) -> None:
        """The log has taken so many bytes more."""
        self._totals.set(self._name(stream, self._period)).add(org, size)

    def bytes(self, stream: str) -> Counter[str]:
        """By org, what is in a stream."""
        found: Counter[str] = Counter()
        for period in self._periods():
            known = self._totals.sets.get(self._name(stream, period))
            if known is not None:
                found.update(known.sums())
        return found

    def due(self, streams: list[str]) -> list[str]:
        """Names of the sets to be merged now: the present ones, those never read, those changed."""
        names = [self._name(stream, period) for stream in streams for period in self._periods()]
        present = {self._name(stream, self._period) for stream in streams}
        sets = self._totals.sets
        return [
            name
            for name in names
            if name in present or name not in self._read or (name in sets and sets[name].changed)
        ]

    def was_read(self, name: str) -> None:
        """What Redis knew of a set has been merged."""
        self._read.add(name)

    def _periods(self) -> range:
        return range(self._period - _PERIODS if self._width else 0, self._period + 1)

    @staticmethod
    def _name(stream: str, period: int) -> str:
        return f"{_PREFIX}{stream}:{period}"
