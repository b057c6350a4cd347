"""How full the disks are that a process writes to, told as metrics."""

import os
from collections.abc import Iterator, Mapping

from seamark.service.own_telemetry.sample import OwnGauge, OwnSample


def disks(paths: Mapping[str, str]) -> Iterator[OwnGauge]:
    """Free bytes, and the share that is used, of the disk each path lies on; `paths` by what is
    kept there. A path that does not exist yet is left out. Asks the file system."""
    free = OwnGauge("seamark_disk_free_bytes", "Free bytes of the disk that this is kept on.")
    used = OwnGauge("seamark_disk_used_ratio", "Share of that disk that is in use, 0 to 1.")
    for what, path in paths.items():
        try:
            found = os.statvfs(path)
        except OSError:
            continue
        labels = {"disk": what}
        room, blocks = found.f_bavail * found.f_frsize, found.f_blocks - found.f_bfree
        whole = blocks + found.f_bavail  # what is kept for root counts neither way, as in df
        free.samples.append(OwnSample(free.name, labels, room))
        used.samples.append(OwnSample(used.name, labels, blocks / whole if whole else 0.0))
    yield from (free, used)
