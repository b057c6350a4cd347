"""`python -m load.plot load/results/<file>.json …`: the course of a run as a picture (SVG).

Memory, open files, parts of each table and lag over time: what a soak has to show is that each of
these lines is flat.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load.course import Line
from load.report import RunResult

_MIB: Final = 2**20
_TABLES: Final = 8
"""Tables shown: those that had most parts."""


def picture(result: RunResult, path: Path) -> None:
    """Write the picture of one result. Raises ValueError when its course was not kept."""
    course = result.course
    if course is None:
        raise ValueError(f"{result.scenario.name}: the result holds no course")
    figure = Figure(figsize=(11, 9), layout="constrained")
    rate = sum(generator.accepted_per_second for generator in result.generators)
    figure.suptitle(f"{result.scenario.name}, {result.date}: {rate:,.0f} items/s accepted")
    axes = figure.subplots(2, 2).flat
    _lines(next(axes), "memory (RSS), MiB", course.rss, lambda value: value / _MIB)
    _lines(next(axes), "open files", course.handles)
    most = sorted(course.parts, key=lambda t: -max(v for _, v in course.parts[t]))[:_TABLES]
    _lines(next(axes), "active parts of a table", {t: course.parts[t] for t in sorted(most)})
    _lines(next(axes), "lag, messages", course.lag)
    # No date and no random ids, so that the same result gives the same file.
    with mpl.rc_context({"svg.hashsalt": "seamark", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def _lines(
    axes: Axes,
    title: str,
    lines: Mapping[str, Line],
    scale: Callable[[float], float] = lambda value: value,
) -> None:
    for name, line in lines.items():
        minutes = [seconds / 60 for seconds, _ in line]
        axes.plot(minutes, [scale(value) for _, value in line], label=name, linewidth=1.2)
    axes.set_title(title)
    axes.set_xlabel("minutes")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if lines:
        axes.legend(fontsize="small", ncols=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 2 without files. Each picture stands beside its result."""
    paths = [Path(name) for name in (sys.argv[1:] if argv is None else argv)]
    if not paths:
        print("usage: python -m load.plot load/results/<file>.json ...", file=sys.stderr)
        return 2
    for path in paths:
        picture(msgspec.json.decode(path.read_bytes(), type=RunResult), path.with_suffix(".svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
