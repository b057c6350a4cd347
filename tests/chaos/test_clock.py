"""The clock that jumps: the time of day moves, the monotonic clock does not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.clock import Clock, ClockMissing

pytestmark = pytest.mark.chaos
SCRIPT = """
import datetime, sys, time
for _ in sys.stdin:
    print(time.time(), datetime.datetime.now().timestamp(), time.monotonic(), flush=True)
"""


def test_a_process_sees_the_time_of_day_jump_and_come_back(tmp_path: Path) -> None:
    try:
        clock = Clock(tmp_path)
    except ClockMissing as missing:
        pytest.skip(str(missing))
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for jump in (0.0, 3600.5, -7200.25, 0.0):
            clock.jump(jump)
            process.stdin.write("\n")
            process.stdin.flush()
            now, date, monotonic = map(float, process.stdout.readline().split())
            assert now == pytest.approx(time.time() + jump, abs=0.2)
            assert date == pytest.approx(time.time() + jump, abs=0.2)
            assert monotonic == pytest.approx(time.monotonic(), abs=0.2)
        process.stdin.close()
