"""A backup under load, everything killed, and a restore: with the old log, and without it."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.system.recovery_load import Sender, ask, totals, wait_for_rows
from tests.system.stack import Stack, run

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_backup_and_restore(tmp_path: Path) -> None:
    old = Stack(tmp_path / "old")
    backups = tmp_path / "backups"
    with old:
        sender = Sender(old)
        sender.send(5)
        wait_for_rows(old, sender.accepted)
        first = run("backup", "--data", str(old.data), "--to", str(backups), timeout=120)
        assert first.returncode == 0, first.stderr
        with sender:  # it goes on sending while the second one is taken
            taken = run("backup", "--data", str(old.data), "--to", str(backups), timeout=120)
        assert taken.returncode == 0, taken.stderr
        sender.send(5)
        wait_for_rows(old, sender.accepted)  # the sinks go on when the backup is done
        before = totals(old)
        _kill_everything(old)

    made = sorted(backups.iterdir())
    manifest = json.loads((made[-1] / "backup.json").read_text())
    assert len(made) == 2
    assert manifest["base"] == made[0].name
    assert (made[-1] / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert manifest["rows"]["events"] < sender.accepted

    _with_the_old_log(old, backups, tmp_path / "with", before, sender.accepted)
    _without_the_log(old, backups, tmp_path / "without", manifest["rows"]["events"])


def _with_the_old_log(old: Stack, backups: Path, data: Path, before: object, accepted: int) -> None:
    data.mkdir()
    for name in ("nats", "spool", "archive"):
        if (old.data / name).exists():
            shutil.copytree(old.data / name, data / name, symlinks=True)
    restored = run("restore", "--from", str(backups), "--data", str(data), timeout=120)
    assert restored.returncode == 0, restored.stderr
    with Stack(data) as new:
        wait_for_rows(new, accepted)
        assert totals(new) == before
        assert new.credentials == old.credentials
        more = Sender(new)
        more.send(3)
        wait_for_rows(new, accepted + more.accepted)


def _without_the_log(old: Stack, backups: Path, data: Path, held: int) -> None:
    refused = run("restore", "--from", str(backups), "--data", str(data))
    assert refused.returncode == 2
    assert "say --without-log" in refused.stderr
    restored = run(
        "restore", "--from", str(backups), "--data", str(data), "--without-log", timeout=120
    )
    assert restored.returncode == 0, restored.stderr
    with Stack(data) as new:
        wait_for_rows(new, held)
        more = Sender(new)
        more.send(3)  # under the key of the backup
        wait_for_rows(new, held + more.accepted)
        [[stored]] = ask(new, "SELECT sum(rows) FROM seamark.events_1d")
        assert int(stored) == held + more.accepted
    again = run("restore", "--from", str(backups), "--data", str(data), "--without-log")
    assert again.returncode == 2
    assert "already holds a store" in again.stderr


def _kill_everything(stack: Stack) -> None:
    assert stack.process is not None
    for pid in [stack.process.pid, *stack.pids.values()]:
        os.kill(pid, signal.SIGKILL)
    stack.process.wait()
    assert stack.left_over(within_seconds=10) == []
