"""Which frames of a run of messages are a retry, which events were there before, and which ids were
used again for other content. Pure.

A frame whose batch had an id is a *duplicate* when its receipt stood in the same stream before with
the same digest, no longer ago than the window; so is an event whose id (of its org and app) did.
Where the id stood before with other digests only, it is *reused*: nothing of it may be dropped as a
duplicate. "Before" is by the position in the log, "ago" by the log's own time of the message. What
happened to the earlier frame or event does not matter. So the result is a function of the log
alone: every sink finds the same, however often it is killed and wherever it starts.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processors.blocks.dedup.keys import ContentKey, MessageKeys

Earlier = Mapping[bytes, Mapping[bytes, int]]
"""By key and digest, when (ns) they last stood together in the stream before a block."""


class Use(enum.Enum):
    """Of an id: not used before, used for the same content, or for other content."""

    NEW = enum.auto()
    DUPLICATE = enum.auto()
    REUSED = enum.auto()


@dataclass(frozen=True, slots=True)
class FrameRepeats:
    """Of one frame: the use of its receipt, and its events (by index) whose ids are no new ones.

    Both are empty for a duplicate frame: all of its events are duplicates.
    """

    frame: Use
    duplicates: tuple[int, ...] = ()
    reused: tuple[int, ...] = ()


class _Uses:
    """When each id was used, for each content. Learns of one use after the other."""

    def __init__(self, earlier: Earlier, window_ns: int) -> None:
        self._earlier = earlier
        self._window_ns = window_ns
        self._times: dict[bytes, dict[bytes, int]] = {}

    def use(self, found: ContentKey | None, now_ns: int) -> Use:
        """What this use of an id is, after all those before it."""
        if found is None:
            return Use.NEW
        key, digest = found
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = dict(self._earlier.get(key, ()))
        recent = [of for of, then_ns in times.items() if now_ns - then_ns <= self._window_ns]
        times[digest] = max(now_ns, times.get(digest, now_ns))
        if digest in recent:
            return Use.DUPLICATE
        return Use.REUSED if recent else Use.NEW


def find_repeats(
    messages: Sequence[MessageKeys], earlier: Earlier, *, window_ns: int
) -> dict[tuple[int, int], FrameRepeats]:
    """What is no news, by (index of the message, index of its frame); the rest is new.

    `earlier` is what stood in the stream before the first of `messages`.
    """
    uses = _Uses(earlier, window_ns)
    repeats = {}
    for at, message in enumerate(messages):
        for index, frame in enumerate(message.frames):
            use = uses.use(frame.receipt, message.stored_ns)
            of_events = [uses.use(found, message.stored_ns) for found in frame.events]
            if use is Use.DUPLICATE:
                repeats[at, index] = FrameRepeats(use)
            elif use is Use.REUSED or any(one is not Use.NEW for one in of_events):
                repeats[at, index] = FrameRepeats(
                    use,
                    tuple(n for n, one in enumerate(of_events) if one is Use.DUPLICATE),
                    tuple(n for n, one in enumerate(of_events) if one is Use.REUSED),
                )
    return repeats
