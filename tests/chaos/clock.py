"""A wall clock that jumps, for one process and its children: a shim before the C library."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path


class ClockMissing(Exception):
    """No such clock can be made here; the message says why."""


class Clock:
    """Processes started with `environment` see the time of day plus `jump`'s seconds."""

    def __init__(self, folder: Path) -> None:
        """Builds the shim. Raises ClockMissing. Blocks for a compiler's run."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise ClockMissing("no C compiler (cc, gcc, clang) to build the clock shim with")
        if sys.platform != "linux":
            raise ClockMissing("LD_PRELOAD is Linux's")
        library, self._file = folder / "clock_shim.so", folder / "clock"
        source = Path(__file__).with_name("clock_shim.c")
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library)]
        subprocess.run([*command, str(source), "-ldl"], check=True)
        self._file.write_bytes(struct.pack("=d", 0.0))
        self.environment = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(self._file)}

    def jump(self, seconds: float) -> None:
        """From now on the time of day is so many seconds off; 0 = right again."""
        file = os.open(self._file, os.O_WRONLY)
        try:
            os.pwrite(file, struct.pack("=d", seconds), 0)  # in place: it is mapped
        finally:
            os.close(file)
