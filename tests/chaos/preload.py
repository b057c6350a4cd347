"""Builds a library to be loaded before all others, which makes the system calls of a test fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def built(source: Path, folder: Path) -> Path:
    """The library made of a C file beside this one. Skips the test where none can be built."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc, clang) to build the shim with")
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD and /proc are Linux's")
    library = folder / f"{source.stem}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library)]
    subprocess.run([*command, str(source), "-ldl"], check=True)
    return library
