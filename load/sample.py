"""Samples of what the parts of a stack use: CPU, memory, disk and how far behind the log is."""

import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from load.plain_http import BadAnswer, request
from load.schedule import slope
from load.stack import Stack

_INTERVAL_SECONDS: Final = 1.0
_PSS_EVERY: Final = 10
"""Proportional set size is read from smaps, which is slow in a process with much memory."""
_LAG: Final = re.compile(r"^seamark_processor_lag_messages\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one part has used so far; CPU in seconds since its start."""

    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class PartFigures:
    """What one part used between two moments."""

    cpu_seconds: float
    rss_bytes_start: int
    rss_bytes_end: int
    rss_bytes_max: int
    rss_bytes_per_hour: float
    pss_bytes_max: int


@dataclass(slots=True)
class Series:
    """Samples of one run; `seconds` count from the sampler's start."""

    rss: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    pss: dict[str, list[int]] = field(default_factory=dict)
    lag: list[tuple[float, float]] = field(default_factory=list)
    disk: list[tuple[float, float]] = field(default_factory=list)
    cpu_percent: list[float] = field(default_factory=list)


def usage(pids: Mapping[str, int]) -> dict[str, Usage]:
    """Per part, with its child processes. A part that has ended is left out."""
    found = {}
    for name, pid in pids.items():
        try:
            cpu, rss = 0.0, 0
            for process in _family(pid):
                times = process.cpu_times()
                cpu += times.user + times.system
                rss += process.memory_info().rss
            found[name] = Usage(cpu, rss)
        except psutil.NoSuchProcess:
            continue
    return found


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def lag_messages(text: str) -> float | None:
    """Sum over all streams of a Prometheus text, or None when it has no such metric."""
    values = _LAG.findall(text)
    return sum(map(float, values)) if values else None


def disk_bytes(folder: Path) -> int:
    """Allocated bytes below `folder`; files that vanish meanwhile count as nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


class Sampler:
    """Samples once a second on a thread, between `start` and `stop`. `pids`: Stack.pids()."""

    def __init__(self, stack: Stack, pids: Mapping[str, int]) -> None:
        self._stack = stack
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")
        self.series = Series()
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

    def lag(self) -> float | None:
        """Messages in the log that are not in the store yet; None when nobody says. Blocks."""
        try:
            text = request("GET", f"{self._stack.rows_url}/metrics", timeout_seconds=5)
        except BadAnswer:
            return None
        return lag_messages(text.decode())

    def figures(self) -> dict[str, PartFigures]:
        """Per part, over the whole time."""
        return {
            name: part_figures(
                self._before[name],
                after,
                self.series.rss.get(name, []),
                self.series.pss.get(name, []),
            )
            for name, after in self._after.items()
            if name in self._before
        }

    def _run(self) -> None:
        try:
            self._sample()
        except Exception as error:  # handed to whoever stops the sampler
            self._failure = error

    def _sample(self) -> None:
        began, round_number = time.monotonic(), 0
        while not self._stop.wait(_INTERVAL_SECONDS):
            seconds = time.monotonic() - began
            for name, used in usage(self._pids).items():
                self.series.rss.setdefault(name, []).append((seconds, used.rss_bytes))
            self.series.cpu_percent.append(psutil.cpu_percent())
            lag = self.lag()
            if lag is not None:
                self.series.lag.append((seconds, lag))
            if round_number % _PSS_EVERY == 0:
                self.series.disk.append((seconds, disk_bytes(self._stack.folder.path)))
                self._proportional(self._pids.items())
            round_number += 1

    def _proportional(self, pids: Iterable[tuple[str, int]]) -> None:
        for name, pid in pids:
            try:
                total = sum(process.memory_full_info().pss for process in _family(pid))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            self.series.pss.setdefault(name, []).append(total)


def part_figures(
    before: Usage, after: Usage, rss: list[tuple[float, float]], pss: list[int]
) -> PartFigures:
    """Figures of one part. The slope leaves out the first third, in which caches fill."""
    settled = rss[len(rss) // 3 :]
    return PartFigures(
        cpu_seconds=round(after.cpu_seconds - before.cpu_seconds, 3),
        rss_bytes_start=before.rss_bytes,
        rss_bytes_end=after.rss_bytes,
        rss_bytes_max=int(max((value for _, value in rss), default=after.rss_bytes)),
        rss_bytes_per_hour=round(slope(settled) * 3600),
        pss_bytes_max=max(pss, default=0),
    )
