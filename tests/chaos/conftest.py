"""A small disk for tests that fill one; its size is the module's `DISK_BYTES`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, DiskMissing


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Skips the test where nothing can be mounted."""
    try:
        made = Disk(tmp_path / "disk", size_bytes=request.module.DISK_BYTES)
    except DiskMissing as missing:
        pytest.skip(str(missing))
    yield made
    made.unmount()
