"""A blocking call on the event loop fails the test.

Only calls from our own processes count: a test may read a file where it likes.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from blockbuster import blockbuster_ctx

_PROCESSES: Final = ["api", "collector", "processors", "seamark.service"]
_READS: Final = (
    "os.listdir",
    "os.stat",
    "os.scandir",
    "io.TextIOWrapper.read",
    "io.BufferedReader.read",
)
_ONCE: Final = (("api/look/routes.py", "add_look"), ("api/query/statement.py", "template"))
"""Files beside the code, each read once in the life of a process."""


@pytest.fixture(autouse=True, scope="module")
def blocking_calls_fail() -> Iterator[None]:
    """For every test of the folder whose conftest.py imports it."""
    with blockbuster_ctx(_PROCESSES) as found:
        # locks of queues and executors are held for moments; ours are asyncio's
        found.functions["threading.Lock.acquire"].deactivate()
        for name in _READS:
            for file, function in _ONCE:
                found.functions[name].can_block_in(file, function)
        yield
