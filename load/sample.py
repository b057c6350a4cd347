"""Samples of a stack: CPU, memory, files and disk of its parts, and how far they are behind."""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import psutil

from load.course import Course, Line, floor
from load.plain_http import BadAnswer, request
from load.schedule import slope
from load.stack import LoadStack
from load.usage import Usage, disk_bytes, proportional_bytes, usage

_INTERVAL_SECONDS: Final = 1.0
_SELDOM: Final = 10
"""What is slow to read (disk, smaps, the store's parts) is read in one of so many rounds."""
_LAG: Final = re.compile(
    r'^seamark_processor_lag_messages\{sink="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE
)
_PARTS: Final = (
    "SELECT table, count() AS parts FROM system.parts WHERE active AND database = 'seamark' "
    "GROUP BY table FORMAT JSONCompact"
)


@dataclass(frozen=True, slots=True)
class PartFigures:
    """What one part used between two moments."""

    cpu_seconds: float
    rss_bytes_start: int
    rss_bytes_end: int
    rss_bytes_max: int
    rss_bytes_per_hour: float
    pss_bytes_max: int
    rss_bytes_held_per_hour: float = 0.0
    """Of the least of each minute: merges and blocks come and go, what is held stays."""
    handles_max: int = 0
    handles_per_hour: float = 0.0


@dataclass(slots=True)
class Samples:
    """Samples of one run; seconds count from the sampler's start."""

    course: Course = field(default_factory=lambda: Course({}, {}, {}, {}, {}))
    pss: dict[str, list[int]] = field(default_factory=dict)
    cpu_percent: list[float] = field(default_factory=list)


def lag_messages(text: str) -> dict[str, float]:
    """By sink, the sum over all streams of a Prometheus text."""
    found: dict[str, float] = {}
    for sink, value in _LAG.findall(text):
        found[sink] = found.get(sink, 0.0) + float(value)
    return found


class Sampler:
    """Samples once a second on a thread, between `start` and `stop`. `pids`: LoadStack.pids()."""

    def __init__(self, stack: LoadStack, pids: Mapping[str, int]) -> None:
        self._stack = stack
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")
        self.samples = Samples()
        self._failure: Exception | None = None
        self._before: dict[str, Usage] = {}
        self._after: dict[str, Usage] = {}

    def start(self) -> None:
        """Begin."""
        self._before = usage(self._pids)
        psutil.cpu_percent()
        self._thread.start()

    def stop(self) -> None:
        """End; blocks for the sample in progress. Raises what ended the sampling early."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        self._after = usage(self._pids)

    def lag(self) -> dict[str, float]:
        """By sink, messages in the log that it lacks; silent sinks are missing. Blocks."""
        found: dict[str, float] = {}
        for url in self._stack.sink_urls:
            try:
                text = request("GET", f"{url}/metrics", timeout_seconds=5)
            except BadAnswer:
                continue
            found |= lag_messages(text.decode())
        return found

    def figures(self) -> dict[str, PartFigures]:
        """Per part, over the whole time."""
        course, pss = self.samples.course, self.samples.pss
        return {
            name: part_figures(
                self._before[name],
                after,
                course.rss.get(name, []),
                course.handles.get(name, []),
                pss.get(name, []),
            )
            for name, after in self._after.items()
            if name in self._before
        }

    def _run(self) -> None:
        try:
            self._sample()
        except Exception as error:  # raised where the sampler is stopped
            self._failure = error

    def _sample(self) -> None:
        began, round_number = time.monotonic(), 0
        course = self.samples.course
        while not self._stop.wait(_INTERVAL_SECONDS):
            seconds = time.monotonic() - began
            for name, used in usage(self._pids).items():
                _add(course.rss, name, seconds, used.rss_bytes)
                _add(course.handles, name, seconds, used.handles)
            self.samples.cpu_percent.append(psutil.cpu_percent())
            for sink, lag in self.lag().items():
                _add(course.lag, sink, seconds, lag)
            if round_number % _SELDOM == 0:
                _add(course.disk, "", seconds, disk_bytes(self._stack.folder.path))
                for table, parts in self._active_parts().items():
                    _add(course.parts, table, seconds, parts)
                for name, pid in self._pids.items():
                    if (pss := proportional_bytes(pid)) is not None:
                        self.samples.pss.setdefault(name, []).append(pss)
            round_number += 1

    def _active_parts(self) -> dict[str, int]:
        login = b64encode(f"seamark:{self._stack.folder.secrets().store}".encode()).decode()
        try:
            answer = request(
                "POST",
                f"{self._stack.store_url}/?query={quote(_PARTS)}",
                body=b"",
                headers={"Authorization": f"Basic {login}"},
            )
        except BadAnswer:
            return {}
        return {table: int(parts) for table, parts in json.loads(answer)["data"]}


def _add(lines: dict[str, Line], name: str, seconds: float, value: float) -> None:
    lines.setdefault(name, []).append((seconds, float(value)))


def part_figures(
    before: Usage, after: Usage, rss: Line, handles: Line, pss: list[int]
) -> PartFigures:
    """Figures of one part. The slopes leave out the first third, in which caches fill."""
    later = rss[len(rss) // 3 :]
    return PartFigures(
        cpu_seconds=round(after.cpu_seconds - before.cpu_seconds, 3),
        rss_bytes_start=before.rss_bytes,
        rss_bytes_end=after.rss_bytes,
        rss_bytes_max=int(max((value for _, value in rss), default=after.rss_bytes)),
        rss_bytes_per_hour=round(slope(later) * 3600),
        rss_bytes_held_per_hour=round(slope(floor(later)) * 3600),
        pss_bytes_max=max(pss, default=0),
        handles_max=int(max((value for _, value in handles), default=after.handles)),
        handles_per_hour=round(slope(handles[len(handles) // 3 :]) * 3600, 1),
    )
