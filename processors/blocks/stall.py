"""Whether a stream has stopped moving while there is more to carry. Pure: time is an argument."""

from dataclasses import dataclass
from typing import Final

STALL_SECONDS: Final = 60.0


@dataclass(slots=True)
class StallWatch:
    """Of one stream. `age_seconds`: how old the first message of a block may become by itself."""

    age_seconds: float
    _done: int | None = None
    _since: float = 0.0

    def observe(self, *, done: int, last: int, now: float) -> str:
        """What is wrong when `done` of `last` sequences are carried at `now` (seconds); or ""."""
        if done != self._done or done >= last:
            self._done, self._since = done, now
        stalled = now - self._since
        if stalled < STALL_SECONDS + self.age_seconds:
            return ""
        return f"{last - done} messages wait and none was written for {stalled:.0f} s"
