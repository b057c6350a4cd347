"""What questions about people and their events are answered with; part of `/openapi.json`."""

import msgspec

from api.answers import Meta


class PathFound(msgspec.Struct, frozen=True):
    """What came next (or before, nearest first), and in how many sessions.

    A path shorter than `depth` is of sessions that ended (or began) there.
    """

    steps: list[str]
    sessions: int | float
    share: float


class PathsAnswer(msgspec.Struct, frozen=True):
    """Paths, the most frequent first, of all `sessions` in which the start occurred."""

    sessions: int | float
    paths: list[PathFound]
    meta: Meta


class MinuteValues(msgspec.Struct, frozen=True):
    """One minute (its start, epoch ms); null where no event of it has a value."""

    time: int
    avg: float | None
    max: float | None
    min: float | None


class MinutesAnswer(msgspec.Struct, frozen=True):
    """Minutes in order of time; those without events are left out."""

    data: list[MinuteValues]
