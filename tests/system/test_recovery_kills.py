"""A rebuild that is killed in the middle, again and again, and gone on with: all is there, once."""

import itertools
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.recovery_load import Sender, ask, totals, wait_for_rows
from tests.system.stack import Stack, run
from tests.system.test_recovery_replay import same, wait_for_archive

pytestmark = [pytest.mark.system, pytest.mark.slow]
SETTINGS = {"SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.2", "SEAMARK_ARCHIVE_MERGE_BYTES": "0"}
COMMAND = (sys.executable, "-P", "-m", "seamark", "replay", "--rebuild")
KILLS = 3


def test_a_rebuild_that_is_killed_goes_on(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", environment=SETTINGS)
    with stack:
        sender = Sender(stack)
        while files(stack) < 12:  # something to be in the middle of
            sender.send(3)
            wait_for_archive(stack, sender.accepted)
        wait_for_rows(stack, sender.accepted)
        before = totals(stack)
        seen = list(killed_rebuilds(stack, sender.accepted))
        assert len(set(seen)) == KILLS, f"no kill hit a rebuild on its way: {seen}"
        ended = run("replay", "--data", str(stack.data), "--rebuild", timeout=300)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        wait_for_rows(stack, sender.accepted)
        assert same(totals(stack), before), (totals(stack), before)
        sender.send(5)  # and the stack goes on
        wait_for_rows(stack, sender.accepted)
        wait_for_archive(stack, sender.accepted)
        checked = run(
            *("verify", "--data", str(stack.data), "--from", "1h", "--to", "now", "--deep"),
            timeout=120,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def killed_rebuilds(stack: Stack, count: int) -> Iterator[int]:
    """Begin a rebuild, go on with it, and kill it each time it has come further: rows by then."""
    stored = 0
    for number in range(KILLS):
        drop = ("--drop",) if number == 0 else ()
        rebuild = subprocess.Popen(
            [*COMMAND, "--data", str(stack.data), *drop],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            stored = further(stack, rebuild, above=stored, count=count, fresh=number == 0)
        finally:
            rebuild.kill()
            rebuild.communicate()
        yield stored


def further(
    stack: Stack, rebuild: "subprocess.Popen[str]", *, above: int, count: int, fresh: bool
) -> int:
    """Wait until more rows than `above` are stored, but not all; how many."""
    dropped = not fresh
    deadline = time.monotonic() + 120
    for _ in itertools.count():
        now = rows(stack)
        dropped = dropped or now != count
        if dropped and above < now < count:
            return now
        assert rebuild.poll() is None, f"it ended first\n{rebuild.communicate()[0]}"
        assert time.monotonic() < deadline, f"{now} rows"
    raise AssertionError


def rows(stack: Stack) -> int:
    """Stored events; 0 while there is no table."""
    try:
        [[now]] = ask(stack, "SELECT count() FROM seamark.events")
    except urllib.error.HTTPError:
        return 0
    return int(now)


def files(stack: Stack) -> int:
    """Live files of the archive."""
    [[now]] = ask(stack, "SELECT count() FROM seamark.archive_files FINAL WHERE state = 'live'")
    return int(now)
