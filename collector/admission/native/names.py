"""Names of events: the pattern, behind a bounded set of names already found valid."""

import re
from collections.abc import Sequence
from typing import Final

from seamark.wire.limits import NAME_PATTERN

_PATTERN: Final = re.compile(NAME_PATTERN)


class EventNames:
    """Says whether names are valid; an app sends the same few again and again.

    Holds at most `capacity` valid names (128 characters each), and is emptied when it is full.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._valid: set[str] = set()

    def valid(self, name: str) -> bool:
        """Whether one name matches the pattern."""
        if name in self._valid:
            return True
        if not _PATTERN.match(name):
            return False
        if len(self._valid) >= self._capacity:
            self._valid.clear()
        self._valid.add(name)
        return True

    def all_valid(self, names: Sequence[str]) -> bool:
        """Whether every name matches the pattern."""
        return self._valid.issuperset(names) or all(self.valid(name) for name in names)
