"""A process that stands back does so within its session and, where it leads one, as a session."""

import subprocess
import sys
from pathlib import Path

import pytest

STAND_BACK = """
import os
from pathlib import Path
from seamark.service.lifecycle import lower_priority
lower_priority(7)
group = Path("/proc/self/autogroup")
print(os.nice(0), *(group.read_text().split() if group.exists() else []))
"""


@pytest.mark.parametrize("leads", [True, False])
def test_it_lowers_its_own_priority_alone(leads: bool) -> None:
    group = Path("/proc/self/autogroup")
    before = group.read_text() if group.exists() else ""
    done = subprocess.run(
        [sys.executable, "-c", STAND_BACK],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
        start_new_session=leads,
    )
    assert done.returncode == 0, done.stderr
    own, *session = done.stdout.split()  # 7 /autogroup-12 nice 7
    assert int(own) >= 7
    if leads and session:  # the file is empty in a session that never was one: that of the boot
        assert session[1:] == ["nice", "7"]
    if not leads:
        assert session == before.split()
    if before:
        assert group.read_text() == before
