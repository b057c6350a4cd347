"""The archive's engine inside the test process, in databases of its own."""

import atexit
import functools

from processors.archive.codec import ArchiveCodec
from processors.archive.engine import ArchiveEngine
from tests.support.schema_store import connect


@functools.cache
def shared_engine() -> ArchiveEngine:
    """Made once, because it takes seconds. Give it one block at a time, as the process does."""
    engine = ArchiveEngine(connect, codec=ArchiveCodec(), database="archive_test")
    atexit.register(engine.close)  # before the engine itself is closed, or it crashes
    return engine
