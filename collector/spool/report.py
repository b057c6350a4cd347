"""What a spool reports of itself: health and own metrics."""

import time
from collections.abc import Sequence
from typing import Final, Protocol

from collector.spool.commit import Queued
from collector.spool.record import SpoolRecord
from collector.spool.segment import Segment
from seamark.service.health import Health

PART: Final = "spool"
DAMAGED: Final = "damaged spool"


class SpoolObserver(Protocol):
    """Own metrics of a spool."""

    def spooled(self, frames: int, size: int, seconds: float) -> None:
        """Frames were written and synced, which took `seconds`."""

    def drained(self, frames: int, size: int) -> None:
        """Frames were given to the log, or found there."""

    def holds(self, frames: int, size: int, oldest_seconds: float) -> None:
        """What is in the spool now."""


class SpoolReport:
    """Reports to `observer` and `health`, each where it is given."""

    def __init__(self, observer: SpoolObserver | None, health: Health | None) -> None:
        self._observer = observer
        self._health = health

    def spooled(self, batch: Sequence[Queued], seconds: float) -> None:
        """Records were written and synced, which took `seconds`."""
        if self._observer is not None:
            frames = sum(each.record.frames for each in batch)
            size = sum(len(each.record.payload) for each in batch)
            self._observer.spooled(frames, size, seconds)

    def drained(self, record: SpoolRecord) -> None:
        """The log has a record."""
        if self._observer is not None:
            self._observer.drained(record.frames, len(record.payload))

    def holds(
        self, segments: Sequence[Segment], frames: int, size: int, *, put_aside: frozenset[str]
    ) -> None:
        """What is in the spool now; `put_aside`: paths of damaged segments not among them."""
        if self._health is not None:
            waiting = f"{frames:,} envelopes wait for the log on disk ({size:,} bytes)"
            self._health.degrade(PART, waiting if frames else "")
            damaged = put_aside | {str(each.path) for each in segments if each.damaged}
            self._health.degrade(DAMAGED, _described(damaged))
        if self._observer is not None:
            oldest = min((each.oldest_ms for each in segments if each.oldest_ms), default=0)
            age = time.time() - oldest / 1000 if oldest else 0.0
            self._observer.holds(frames, size, max(0.0, age))


def _described(paths: frozenset[str]) -> str:
    """What of the spool could not be read, as long as it is there; "" for nothing."""
    if not paths:
        return ""
    return (
        f"{len(paths)} segments of the spool could not be read whole ({min(paths)}): requests "
        "in them were accepted and are not in the log; docs/recovery.md, "
        '"A segment of the spool is damaged"'
    )
