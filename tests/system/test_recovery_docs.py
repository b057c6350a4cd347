"""The commands of docs/recovery.md, run as they stand there and in that order."""

import re
import sys
from pathlib import Path

import pytest

from tests.system.documented import shell
from tests.system.recovery_load import Sender, ask, wait_for_rows
from tests.system.stack import Stack
from tests.system.test_recovery_replay import SETTINGS, wait_for_archive

pytestmark = [pytest.mark.system, pytest.mark.slow]
DOCUMENT = Path(__file__).parents[2] / "docs" / "recovery.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)
UP = re.compile(r"^seamark up --data (\S+)\n", re.MULTILINE)


def run(script: str, folder: Path) -> None:
    command = re.sub("^seamark ", f"{sys.executable} -P -m seamark ", script, flags=re.MULTILINE)
    command = command.replace("--data .seamark", "--data old")
    shell(command, folder=folder, seconds=180)


def test_the_commands_of_the_document(tmp_path: Path) -> None:
    scripts = BLOCK.findall(DOCUMENT.read_text())
    on_the_running, on_folders = scripts[:-2], scripts[-2:]
    with Stack(tmp_path / "old", environment=SETTINGS) as old:
        sender = Sender(old)
        sender.send(5)
        wait_for_rows(old, sender.accepted)
        wait_for_archive(old, sender.accepted)
        for script in on_the_running:
            run(script, tmp_path)
            wait_for_rows(old, sender.accepted)
        assert list((tmp_path / "backups").iterdir())
        sender.send(5)  # the backup has none of these, the log has
        wait_for_rows(old, sender.accepted)
        [[held]] = ask(old, "SELECT count() - 100 FROM seamark.events")

    for script, count in zip(on_folders, (sender.accepted, int(held)), strict=True):
        [folder] = UP.findall(script)
        run(UP.sub("", script), tmp_path)
        with Stack(tmp_path / folder) as new:
            wait_for_rows(new, count)
