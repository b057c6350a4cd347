"""When a sink stops instead of dead-lettering more: a release that sends nothing but bad frames
must not empty a stream into the dead letters. Pure: time is an argument.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_MINUTE_SECONDS: Final = 60.0
_MINUTES: Final = 60
_FLOOR: Final = 100
"""Dead letters of an hour below which their share says nothing."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimits:
    """`share`: of the messages of the last hour; `per_minute`: frames in any one minute."""

    share: float = 0.01
    per_minute: int = 1000


@dataclass(slots=True)
class DeadLetterQuota:
    """Of one stream. Counts messages that were carried and frames that were dead-lettered."""

    limits: DeadLetterLimits
    _minutes: "deque[tuple[int, int, int]]" = field(default_factory=lambda: deque(maxlen=_MINUTES))
    """(minute, messages, dead letters), oldest first."""
    _exceeded: str = ""

    def count(self, *, messages: int = 0, dead_letters: int = 0, now: float) -> None:
        """Messages that were carried, and frames that were dead-lettered, at `now` (seconds)."""
        minute = int(now // _MINUTE_SECONDS)
        if self._minutes and self._minutes[-1][0] == minute:
            _, before, dead = self._minutes.pop()
            messages, dead_letters = messages + before, dead_letters + dead
        self._minutes.append((minute, messages, dead_letters))

    def problem(self, frames: int, *, now: float) -> str:
        """Why `frames` more must not be dead-lettered now; "" when they may.

        Once it is exceeded it stays so until `reset`.
        """
        if not self._exceeded:
            self._exceeded = self._exceeds(frames, int(now // _MINUTE_SECONDS))
        return self._exceeded

    def reset(self) -> None:
        """The sink has taken what it had refused: begin to count again."""
        if self._exceeded:
            self._exceeded = ""
            self._minutes.clear()

    def _exceeds(self, frames: int, minute: int) -> str:
        recent = [one for one in self._minutes if one[0] > minute - _MINUTES]
        this_minute = sum(dead for at, _, dead in recent if at == minute) + frames
        if this_minute > self.limits.per_minute:
            return (
                f"{this_minute} frames of one minute would be dead-lettered; "
                f"the limit is {self.limits.per_minute}"
            )
        dead = sum(dead for _, _, dead in recent) + frames
        messages = sum(messages for _, messages, _ in recent) + 1
        if dead > _FLOOR and dead > self.limits.share * messages:
            return (
                f"{dead} frames of {messages} messages of an hour would be dead-lettered; "
                f"the limit is {self.limits.share:.2%}"
            )
        return ""


class DeadLetterLimitReached(Exception):
    """More frames of a stream are refused than may be dead-lettered; an operator has to look."""
