"""The embedded ClickHouse: the only file that imports chdb. Every call blocks."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, Final

Connect = Callable[[], Any]
"""Opens one more of chdb's connections, to the one engine of the process."""
_MALLOC: Final = "dirty_decay_ms:1000,muzzy_decay_ms:0"
"""jemalloc gives freed pages back after a second; the engine's own default is five."""


def engine_at(target: str) -> Connect:
    """The engine on a folder that no other process has, `?config-file=` and all; one in a process.

    Imports chdb (200 MB, most of it shared). What `Connect` raises is chdb's own. Raises
    ImportError.
    """
    os.environ.setdefault("JE_MALLOC_CONF", _MALLOC)  # read when the library is loaded
    # chdb imports pyarrow where it is installed, for calls that are not used here: 35 MB
    missing = "pyarrow" not in sys.modules
    if missing:
        sys.modules["pyarrow"] = None  # type: ignore[assignment]  # None forbids the import
    try:
        chdb = importlib.import_module("chdb")
    finally:
        if missing:
            del sys.modules["pyarrow"]
    return lambda: chdb.connect(target)
