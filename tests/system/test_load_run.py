"""`python -m load.run` as one calls it: its result is exact, and it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.until import until
from tests.system.free import free_offset

pytestmark = pytest.mark.system
SCENARIO = """
name = "little"
text = "a little of two signals"
duration_seconds = {seconds}
warmup_seconds = 0

[[load]]
kind = "events"
rate = 500
batch = 50
connections = 2
batch_ids = true

[[load]]
kind = "traces"
rate = 500
batch = 50
connections = 2
"""


@contextmanager
def running(folder: Path, *, seconds: int) -> Iterator["subprocess.Popen[str]"]:
    """A run of so many seconds, with a stack of its own."""
    (folder / "little.toml").write_text(SCENARIO.format(seconds=seconds))
    command = [sys.executable, "-m", "load.run", str(folder / "little.toml")]
    command += ["--results", str(folder), "--port-offset", str(free_offset())]
    (folder / "tmp").mkdir()
    with subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            yield run
        finally:
            run.terminate()


def test_a_result_is_exact(tmp_path: Path) -> None:
    with running(tmp_path, seconds=2) as run:
        output, _ = run.communicate(timeout=120)

    assert run.returncode == 0, output
    [found] = tmp_path.glob("*-little.json")
    stored = {part["kind"]: part["stored"] for part in json.loads(found.read_text())["stored"]}
    assert stored == {"events": 1000, "traces": 1000}
    assert found.with_suffix(".md").read_text() in output


def test_a_run_that_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path, seconds=300) as run:

        def sending() -> list[psutil.Process]:
            found = psutil.Process(run.pid).children(recursive=True)
            names = [" ".join(each.cmdline()) for each in found]
            return found if sum("load.generate" in name for name in names) == 2 else []

        started = until(sending)
        run.send_signal(signal.SIGTERM)
        output, _ = run.communicate(timeout=60)

        assert run.returncode == 128 + signal.SIGTERM, output
        assert len(started) > 5
        assert psutil.wait_procs(started, timeout=10)[1] == []
    assert list((tmp_path / "tmp").iterdir()) == []
