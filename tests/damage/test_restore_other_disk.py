"""A restore with the surviving log starts where less of the disk is free than there was before."""

import json
import shutil
from pathlib import Path

import pytest

from tests.system.recovery_load import Sender, totals, wait_for_rows
from tests.system.stack import Stack, run

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_a_log_of_a_larger_disk_starts_on_a_smaller_one(tmp_path: Path) -> None:
    old, backups, data = Stack(tmp_path / "old"), tmp_path / "backups", tmp_path / "new"
    with old:
        sender = Sender(old)
        sender.send(3)
        wait_for_rows(old, sender.accepted)
        taken = run("backup", "--data", str(old.data), "--to", str(backups), timeout=120)
        assert taken.returncode == 0, taken.stderr
        sender.send(3)  # the log alone has these
        wait_for_rows(old, sender.accepted)
        before = totals(old)
    data.mkdir()
    shutil.move(old.data / "nats", data / "nats")
    shutil.move(old.data / "archive", data / "archive")
    # As on a disk of half the size; the first start decides this from what is free.
    decided = json.loads((old.data / "log.json").read_text())["max_file_store"]
    (data / "log.json").write_text(json.dumps({"max_file_store": decided // 2}))
    restored = run("restore", "--from", str(backups), "--data", str(data), timeout=120)
    assert restored.returncode == 0, restored.stderr
    with Stack(data) as new:
        wait_for_rows(new, sender.accepted)
        assert totals(new) == before
        more = Sender(new)
        more.send(2)
        wait_for_rows(new, sender.accepted + more.accepted)
