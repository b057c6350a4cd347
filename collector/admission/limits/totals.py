"""Sums that all collectors add to, and that survive the loss of any one place. Pure.

Each collector counts for itself, under a name of its own that no other life of it has; a sum is
that of all names. Counts only grow, so wherever two places disagree the larger one is right:
merging is a maximum, may be repeated, and needs no order. Redis, each collector and its file are
such places. What a place is found to lack is sent to it again.
"""

from collections.abc import Mapping
from typing import Final

_LARGEST: Final = 2**53


class TotalSet:
    """Counts by subject (an org, a key) in one period. `changed` are fields that Redis may lack."""

    def __init__(self, collector: str) -> None:
        self._own = f"{collector}:"
        self.fields: dict[str, int] = {}
        self.changed: set[str] = set()
        self._sums: dict[str, int] = {}

    def sum(self, subject: str) -> int:
        """What is known of all collectors' counts."""
        return self._sums.get(subject, 0)

    def sums(self) -> Mapping[str, int]:
        """The sum of each subject."""
        return self._sums

    def add(self, subject: str, amount: int) -> None:
        """Count more."""
        field = self._own + subject
        self._raise(field, self.fields.get(field, 0) + amount)
        self.changed.add(field)

    def merge(self, known: Mapping[str, int]) -> None:
        """What another place knows; what it lacks is `changed` from now on. Others are skipped:
        no field of ours, or no count."""
        for field, total in known.items():
            if ":" in field and self.fields.get(field, 0) < total <= _LARGEST:
                self._raise(field, total)
        for field, total in self.fields.items():
            if known.get(field, -1) < total:
                self.changed.add(field)
            else:
                self.changed.discard(field)

    def _raise(self, field: str, total: int) -> None:
        subject = field.partition(":")[2]
        more = total - self.fields.get(field, 0)
        self._sums[subject] = self._sums.get(subject, 0) + more
        self.fields[field] = total


class Totals:
    """The sets by name. `collector` is a name that no other process ever has or had."""

    def __init__(self, collector: str) -> None:
        self._collector = collector
        self.sets: dict[str, TotalSet] = {}

    def set(self, name: str) -> TotalSet:
        """The set of this name, empty at first."""
        found = self.sets.get(name)
        if found is None:
            found = self.sets[name] = TotalSet(self._collector)
        return found

    def dump(self) -> dict[str, dict[str, int]]:
        """All that is known, to be written to a file."""
        return {name: dict(found.fields) for name, found in self.sets.items() if found.fields}

    def load(self, known: Mapping[str, Mapping[str, int]]) -> None:
        """Merge what `dump` returned earlier; all of it is sent to Redis."""
        for name, fields in known.items():
            self.set(name).merge(fields)
            self.set(name).changed.update(self.set(name).fields)
