"""The course of a run: what was sampled, second by second, thinned for keeping. Pure."""

from collections.abc import Sequence
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
    """At most `POINTS` points: of each run of points its largest, so that no peak is hidden."""
    step = -(-len(line) // POINTS) or 1
    runs = (line[start : start + step] for start in range(0, len(line), step))
    return [
        (round(largest[0], 1), largest[1])
        for largest in (max(run, key=lambda point: point[1]) for run in runs)
    ]
