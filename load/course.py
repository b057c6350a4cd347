"""The course of a run: what was sampled, second by second, thinned for keeping. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

POINTS: Final = 400
"""Points kept of each line: enough for a picture of an hour."""

Line = list[tuple[float, float]]
"""(seconds since the start, value), in order."""


class Course(msgspec.Struct, frozen=True):
    """Lines by name. `rss`: bytes of each part; `handles`: open files of each part; `lag`: messages
    by sink; `parts`: active parts of each table; `disk`: bytes of the data folder, by "".
    """

    rss: dict[str, Line] = {}
    handles: dict[str, Line] = {}
    lag: dict[str, Line] = {}
    parts: dict[str, Line] = {}
    disk: dict[str, Line] = {}

    def thinned(self) -> "Course":
        """The same with at most `POINTS` points a line."""
        return Course(
            **{
                kind: {name: thin(line) for name, line in getattr(self, kind).items()}
                for kind in self.__struct_fields__
            }
        )


def thin(line: Sequence[tuple[float, float]]) -> Line:
    """At most `POINTS` points: of each run of points its least and its largest, in order."""
    if len(line) <= POINTS:
        return list(line)
    step = -(-len(line) // (POINTS // 2))
    thinned: Line = []
    for run in _runs(line, step):
        extremes = {min(run, key=_value), max(run, key=_value)}
        thinned += [(round(seconds, 1), value) for seconds, value in sorted(extremes)]
    return thinned


def floor(line: Sequence[tuple[float, float]], points: int = 60) -> Line:
    """Of each run of so many points the least: what is held whatever comes and goes meanwhile."""
    return [min(run, key=_value) for run in _runs(line, points)]


def _runs(
    line: Sequence[tuple[float, float]], length: int
) -> Iterator[Sequence[tuple[float, float]]]:
    return (line[start : start + length] for start in range(0, len(line), length))


def _value(point: tuple[float, float]) -> float:
    return point[1]
