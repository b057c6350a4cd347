"""What processes and folders use: CPU time, memory, file handles, disk."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """What one part has used so far; CPU in seconds since its start. `handles`: open files."""

    cpu_seconds: float
    rss_bytes: int
    handles: int = 0


def usage(pids: Mapping[str, int]) -> dict[str, Usage]:
    """Per part, with its child processes. A part that has ended is left out."""
    found = {}
    for name, pid in pids.items():
        try:
            cpu, rss, handles = 0.0, 0, 0
            for process in family(pid):
                times = process.cpu_times()
                cpu += times.user + times.system
                rss += process.memory_info().rss
                handles += process.num_fds()
            found[name] = Usage(cpu, rss, handles)
        except psutil.NoSuchProcess:
            continue
    return found


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it. Raises psutil.NoSuchProcess."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def proportional_bytes(pid: int) -> int | None:
    """Proportional set size of a process and all below it; None when it cannot be read.

    Read from smaps, which is slow in a process with much memory.
    """
    try:
        return sum(int(process.memory_full_info().pss) for process in family(pid))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


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
