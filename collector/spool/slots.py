"""Which folder of the spool a process writes to, and which abandoned ones it takes over.

    <path>/slot-0/lock      held (flock) by the process that writes or drains there
    <path>/slot-0/*.spool   its segments

A process takes the slot of its own number, or the next free one when that is held. Slots beyond the
number of processes have no owner: the first process that finds one takes it over. All functions
here block; the kernel releases a lock when its process ends, however it ends.
"""

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PREFIX: Final = "slot-"
_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_MOST: Final = 4096


@dataclass(slots=True)
class Slot:
    """A folder that this process holds until `release`."""

    path: Path
    _descriptor: int

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Release it, and remove the folder when nothing is left in it."""
        with contextlib.suppress(OSError):
            (self.path / "lock").unlink()
            self.path.rmdir()
        self.release()


def claim(root: Path, *, number: int, processes: int) -> Slot:
    """The slot of process `number`. Raises OSError when the folder cannot be used."""
    for candidate in range(number, _MOST, max(processes, 1)):
        slot = _lock(root / f"{_PREFIX}{candidate}")
        if slot is not None:
            return slot
    raise OSError(f"every slot in {root} is taken")


def abandoned(root: Path, *, processes: int) -> list[Slot]:
    """Unheld slots beyond the number of processes; they are locked now. Raises OSError."""
    found = []
    for path in sorted(root.glob(f"{_PREFIX}*")):
        number = path.name.removeprefix(_PREFIX)
        if number.isdecimal() and int(number) >= processes and (slot := _lock(path)) is not None:
            found.append(slot)
    return found


def _lock(path: Path) -> Slot | None:
    path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    name = path / "lock"
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT, _PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(name).st_ino:
            return Slot(path, descriptor)
    except (
        BlockingIOError,
        FileNotFoundError,
    ):  # held; or just removed by the process that drained it
        pass
    os.close(descriptor)
    return None
