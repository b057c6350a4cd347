"""Dead letters: rejected items, kept as they were sent so that they can be mended and replayed.

Pure. Candidates come one at a time and are made when they are asked for, so nothing beyond the
limits is ever held: so many dead letters per app and minute, so many bytes per item and per
request. What is over is counted in the outcome as `rejected` like everything else, only not kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from seamark.wire.envelope import DeadLetter
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES, DEAD_LETTERS_BYTES, NAME_CHARS

RATE: Final = "rate"
"""Dropped: the app had more rejected items in the last minute than are kept."""
SIZE: Final = "size"
"""Dropped: the dead letters of its request were already as large as they may be together."""
_WORDS_CHARS: Final = 1024
_NS_PER_MINUTE: Final = 60 * 1_000_000_000


def dead_letter(
    index: int,
    fault: Rejected,
    *,
    original: bytes | memoryview,
    name: str = "",
    size: int | None = None,
) -> DeadLetter:
    """The dead letter of one rejected item. `original` is copied, or left out when it is too long.

    `size`: how long it is, when it was not even written because that is too long.
    """
    size = len(original) if size is None else size
    message = fault.message[:_WORDS_CHARS]
    if size > DEAD_LETTER_BYTES:
        original = b""
        message += f" (not kept: the item is {size:,} bytes, {DEAD_LETTER_BYTES:,} are the most)"
    return DeadLetter(
        index=index,
        reason=fault.reason.value,
        field=fault.field[:_WORDS_CHARS],
        message=message,
        original=bytes(original),
        name=name[:NAME_CHARS],
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """The dead letters of one request, and how many others were not kept, by why."""

    dead_letters: list[DeadLetter] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)


class DeadLetterLimiter:
    """Takes dead letters within the limits: `per_minute` of each app (0: none), with a burst.

    Memory: two numbers for each app that ever had something rejected.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left: dict[tuple[str, str], tuple[float, int]] = {}

    def take(
        self, org: str, app: str, candidates: Iterable[DeadLetter], *, rejected: int, now_ns: int
    ) -> Kept:
        """The dead letters to keep of one request in which `rejected` items were rejected."""
        full = float(self._per_minute)
        left, at_ns = self._left.get((org, app), (full, now_ns))
        left = min(full, left + max(0, now_ns - at_ns) * full / _NS_PER_MINUTE)
        kept: list[DeadLetter] = []
        looked_at = 0
        room = DEAD_LETTERS_BYTES
        if left >= 1.0:
            for candidate in candidates:
                looked_at += 1
                if (size := _size(candidate)) <= room:
                    room -= size
                    left -= 1.0
                    kept.append(candidate)
                    if left < 1.0:
                        break
        self._left[org, app] = left, max(at_ns, now_ns)
        dropped = {RATE: rejected - looked_at, SIZE: looked_at - len(kept)}
        return Kept(kept, {why: count for why, count in dropped.items() if count})


def _size(candidate: DeadLetter) -> int:
    words = candidate.message + candidate.field + candidate.name
    return len(candidate.original) + len(words.encode())
