"""Names of events: the pattern, behind a bounded set of names already seen to be good."""

import re
from collections.abc import Sequence
from typing import Final

from seamark.wire.limits import NAME_PATTERN

_PATTERN: Final = re.compile(NAME_PATTERN)


class Names:
    """Answers whether names are good; an app sends the same few again and again.

    At most `capacity` names are remembered (128 characters each); then it starts afresh.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._good: set[str] = set()

    def good(self, name: str) -> bool:
        """Whether one name matches the pattern."""
        if name in self._good:
            return True
        if not _PATTERN.match(name):
            return False
        if len(self._good) >= self._capacity:
            self._good.clear()
        self._good.add(name)
        return True

    def all_good(self, names: Sequence[str]) -> bool:
        """Whether every name matches the pattern."""
        return self._good.issuperset(names) or all(self.good(name) for name in names)
