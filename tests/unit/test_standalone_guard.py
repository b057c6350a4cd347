"""The guard: becomes the program, and lets it die with its parent."""

import os
import signal
import subprocess
import sys

import pytest

from seamark.service import lifecycle
from seamark.standalone import guard
from tests.support.until import until

GUARD = [sys.executable, "-P", "-m", "seamark.standalone.guard"]
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen(
    sys.argv[1:], env=os.environ | {"SEAMARK_PARENT_PID": str(os.getpid())}, start_new_session=True
)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_the_variable_is_the_one_our_processes_read() -> None:
    assert guard.PARENT_VARIABLE == lifecycle.PARENT_VARIABLE


def test_it_becomes_the_program() -> None:
    environment = os.environ | {"SEAMARK_PARENT_PID": str(os.getpid())}
    with subprocess.Popen(
        [*GUARD, "/bin/sh", "-c", "echo $$; exit 7"], env=environment, stdout=subprocess.PIPE
    ) as guarded:
        output, _ = guarded.communicate(timeout=10)

        assert int(output) == guarded.pid
        assert guarded.returncode == 7


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
def test_the_program_dies_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *GUARD, "/bin/sleep", "60"], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until(lambda: name(pid) == "sleep")

        parent.send_signal(signal.SIGKILL)

        until(lambda: name(pid) is None)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
def test_a_parent_that_is_already_gone_is_noticed() -> None:
    environment = os.environ | {"SEAMARK_PARENT_PID": "1"}
    guarded = subprocess.run(
        [*GUARD, "/bin/echo", "started"], env=environment, check=False, capture_output=True
    )

    assert guarded.returncode == -signal.SIGKILL
    assert guarded.stdout == b""


def name(pid: int) -> str | None:
    """The running program's name; None when it is gone or a zombie nobody has collected."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    before, _, after = text.rpartition(")")
    return None if after.split()[0] == "Z" else before.partition("(")[2]
