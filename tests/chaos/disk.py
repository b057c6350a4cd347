"""A small disk that can be filled: a tmpfs of its own, where mounting is permitted."""

import os
import shutil
import subprocess
from pathlib import Path


class DiskMissing(Exception):
    """No disk can be mounted here; the message says why."""


class Disk:
    """A tmpfs of `size_bytes` at `path`. `fill` leaves nothing free, `free` takes that back."""

    def __init__(self, path: Path, *, size_bytes: int) -> None:
        """Mounts it. Raises DiskMissing."""
        if os.geteuid() != 0 or shutil.which("mount") is None:
            raise DiskMissing("mounting a small disk needs root")
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        options = f"size={size_bytes},mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "seamark-chaos", str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise DiskMissing(f"mounting is not permitted: {done.stderr.strip()}")
        self._balloon = path / "balloon"

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all room but `leave_bytes`."""
        free = shutil.disk_usage(self.path).free - leave_bytes
        if free <= 0:
            return
        file = os.open(self._balloon, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, os.fstat(file).st_size, free)
        except OSError:
            pass  # someone else took the rest just now
        finally:
            os.close(file)

    def free(self) -> None:
        """Give back what `fill` took."""
        self._balloon.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take the disk away with all that is on it. Nobody may have a file open there."""
        command = ["umount", "--lazy", str(self.path)]
        subprocess.run(command, check=True)
