"""Dead letters: rejected items as they were sent, so that they can be corrected and replayed.

Pure. Candidates are made one at a time, when they are needed, so nothing beyond the limits is ever
in memory: so many dead letters per app and minute, so many bytes per item and per request. What is
beyond them is counted in the outcome as `rejected` like everything else, without a dead letter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from seamark.wire.envelope import DeadLetter
from seamark.wire.failures import Rejected
from seamark.wire.limits import DEAD_LETTER_BYTES, DEAD_LETTERS_BYTES, NAME_CHARS

RATE: Final = "rate"
"""Dropped: the app had more rejected items in the last minute than its limit."""
SIZE: Final = "size"
"""Dropped: the dead letters of its request were already as large as they may be together."""
_TEXT_CHARS: Final = 1024
_NS_PER_MINUTE: Final = 60 * 1_000_000_000


def dead_letter(
    index: int,
    error: Rejected,
    *,
    original: bytes | memoryview,
    name: str = "",
    size: int | None = None,
) -> DeadLetter:
    """The dead letter of one rejected item. `original` is copied, or left out when it is too long.

    `size`: how long it is, when it was not even written because that is too long.
    """
    size = len(original) if size is None else size
    message = error.message[:_TEXT_CHARS]
    if size > DEAD_LETTER_BYTES:
        original = b""
        message += f" (not kept: the item is {size:,} bytes, {DEAD_LETTER_BYTES:,} are the most)"
    return DeadLetter(
        index=index,
        reason=error.reason.value,
        field=error.field[:_TEXT_CHARS],
        message=message,
        original=bytes(original),
        name=name[:NAME_CHARS],
    )


@dataclass(frozen=True, slots=True)
class DeadLettersTaken:
    """The dead letters of one request, and how many others were dropped, by reason."""

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
    ) -> DeadLettersTaken:
        """The dead letters to keep of one request in which `rejected` items were rejected."""
        full = float(self._per_minute)
        left, at_ns = self._left.get((org, app), (full, now_ns))
        left = min(full, left + max(0, now_ns - at_ns) * full / _NS_PER_MINUTE)
        taken: list[DeadLetter] = []
        examined = 0
        room = DEAD_LETTERS_BYTES
        if left >= 1.0:
            for candidate in candidates:
                examined += 1
                if (size := _size(candidate)) <= room:
                    room -= size
                    left -= 1.0
                    taken.append(candidate)
                    if left < 1.0:
                        break
        self._left[org, app] = left, max(at_ns, now_ns)
        dropped = {RATE: rejected - examined, SIZE: examined - len(taken)}
        return DeadLettersTaken(
            taken, {reason: count for reason, count in dropped.items() if count}
        )


def _size(candidate: DeadLetter) -> int:
    text = candidate.message + candidate.field + candidate.name
    return len(candidate.original) + len(text.encode())
