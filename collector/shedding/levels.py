"""From how full something is to how much is refused. Pure.

Up at once, down only with some room gained, so that a level that frees a little does not flap.
"""

import enum
from dataclasses import dataclass
from typing import Final

_MARGIN: Final = 0.03
"""Of the whole: how far below its threshold a level ends."""
_DISK_SPAN: Final = 20.0


class Level(enum.IntEnum):
    """How much is refused; each level refuses what those below it refuse, and more."""

    NONE = 0
    LEAST = 1
    """What is worth least."""
    MOST = 2
    """All but errors."""
    ALL = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the whole, 0 to 1, from which a level holds."""

    least: float = 0.85
    most: float = 0.95
    all: float = 1.0

    def level(self, fill: float, *, current: Level) -> Level:
        """The level at this fill, when it was `current` so far."""
        for level, threshold in (
            (Level.ALL, self.all),
            (Level.MOST, self.most),
            (Level.LEAST, self.least),
        ):
            if fill >= threshold - (_MARGIN if current >= level else 0.0):
                return level
        return Level.NONE


def disk_fill(free_bytes: int, *, keep_bytes: int) -> float:
    """How full a disk is, 0 to 1, when `keep_bytes` of it are never to be used; 0 for `keep` 0.

    In bytes, not in shares of the disk: a tenth of a large one is plenty. 1 is reached at
    `keep_bytes`, 0.95 at twice and 0.85 at four times as much.
    """
    if keep_bytes <= 0:
        return 0.0
    return min(1.0, max(0.0, 1.0 - (free_bytes - keep_bytes) / (_DISK_SPAN * keep_bytes)))
