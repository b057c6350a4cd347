"""A periodic timer as a file descriptor: epoll_wait alone counts in whole milliseconds.

`os.timerfd_create` exists from Python 3.13 on; before, the same call of the C library (Linux).
Source: timerfd_create(2).
"""

import ctypes
import os
import time
from typing import Final

_NONBLOCK: Final = 0o4000
_CLOEXEC: Final = 0o2000000
_ABSOLUTE: Final = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


def _timespec(nanoseconds: int) -> _Timespec:
    return _Timespec(nanoseconds // 1_000_000_000, nanoseconds % 1_000_000_000)


def periodic(interval_ns: int, first_ns: int) -> int:
    """A file descriptor that becomes readable at `first_ns` and every `interval_ns` from then on.

    `first_ns` is on the clock of `time.perf_counter_ns` (CLOCK_MONOTONIC). Raises OSError.
    """
    library = ctypes.CDLL(None, use_errno=True)
    fd = int(library.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    timer = _Timer(_timespec(interval_ns), _timespec(first_ns))
    if library.timerfd_settime(fd, _ABSOLUTE, ctypes.byref(timer), None) != 0:
        os.close(fd)
        raise OSError(ctypes.get_errno(), "timerfd_settime")
    return fd


def clear(fd: int) -> None:
    """Make the descriptor wait for its next tick again. Does not block."""
    try:
        os.read(fd, 8)
    except BlockingIOError:
        return


def close(fd: int) -> None:
    """Give the descriptor back."""
    os.close(fd)
