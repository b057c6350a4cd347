"""Ties a program that is not ours to the life of its supervisor, then becomes that program.

    python -m seamark.standalone.guard <program> <argument>...

The kernel keeps the request for SIGKILL over `exec` (prctl(2)), so nothing of this interpreter
stays. Our own processes do the same for themselves (`seamark.service.lifecycle`), which this does
not import: it would cost every start of the log and the cache a tenth of a second.

Linux only in effect; elsewhere the program simply starts, and outlives a supervisor that is
killed with SIGKILL.
"""

import os
import sys
from typing import Final

PARENT_VARIABLE: Final = "SEAMARK_PARENT_PID"
"""The same as `seamark.service.lifecycle.PARENT_VARIABLE`."""


def main(arguments: list[str]) -> None:
    """Replace this process by `arguments`. Does not return.

    Raises OSError when the program cannot be executed.
    """
    if sys.platform == "linux":
        import ctypes
        import signal

        parent = int(os.environ[PARENT_VARIABLE])
        set_pdeathsig = 1
        ctypes.CDLL(None).prctl(set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request: the signal would never come
            os.kill(os.getpid(), signal.SIGKILL)
    os.execv(arguments[0], arguments)  # noqa: S606  # becoming another program is its whole purpose


if __name__ == "__main__":
    main(sys.argv[1:])
