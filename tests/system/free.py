"""Port offsets at which a whole stack finds its ports free."""

import random

from seamark.standalone.ports import Ports, busy

_LOWEST, _HIGHEST = 5_000, 22_000
"""Below the kernel's range for outgoing connections, so that none of those is in the way."""


def free_offset() -> int:
    """An offset whose ports are all free right now. Random, for suites that run side by side."""
    for _ in range(100):
        offset = random.randrange(_LOWEST, _HIGHEST)
        if busy(Ports(offset), "127.0.0.1", patience_seconds=0) is None:
            return offset
    raise RuntimeError("no free port offset found in 100 tries")
