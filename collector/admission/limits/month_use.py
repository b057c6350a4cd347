"""Items of the calendar month (UTC) by key and org, against what they may have. Pure.

The counts of all collectors are merged once a second, so a tenant exceeds its month by at most what
the other collectors take in a second, and one request in each. While Redis is away a collector goes
on with a share of what was left when it went.
"""

from collector.admission.limits.totals import Totals

_PREFIX = "month:"


def set_name(month: str) -> str:
    """The name of a month's set in `Totals`; `month` as 2026-12."""
    return _PREFIX + month


def is_month(name: str) -> bool:
    """Whether a set in `Totals` is that of a month."""
    return name.startswith(_PREFIX)


class MonthUse:
    """What was used, and what is being used by requests on their way into the log."""

    def __init__(self, totals: Totals, *, share: float, month: str) -> None:
        self._totals = totals
        self._share = share
        self._month = month
        self._set = totals.set(set_name(month))
        self._pending: dict[str, int] = {}
        self._away: dict[str, int] | None = None

    def begin(self, month: str) -> None:
        """It is this month now."""
        if month != self._month:
            self._month = month
            self._set = self._totals.set(set_name(month))
            if self._away is not None:
                self._away = {}

    def away(self, is_away: bool) -> None:
        """Redis is away, or back."""
        if not is_away:
            self._away = None
        elif self._away is None:
            self._away = {}

    def open(self, subject: str, limit: int) -> bool:
        """Whether something is left of the month."""
        used = self._set.sum(subject)
        if self._away is not None:
            before = self._away.setdefault(subject, used)
            limit = min(limit, before + int(self._share * max(0, limit - before)))
        return used + self._pending.get(subject, 0) < limit

    def reserve(self, subject: str, items: int) -> None:
        """A request of so many items is on its way."""
        self._pending[subject] = self._pending.get(subject, 0) + items

    def settle(self, subject: str, items: int, *, taken: bool) -> None:
        """It is in the log, or was not taken after all."""
        left = self._pending.get(subject, 0) - items
        if left > 0:
            self._pending[subject] = left
        else:
            self._pending.pop(subject, None)
        if taken:
            self._set.add(subject, items)
