"""docs/tenants.md, its own commands run as they stand there, against a stack."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.until import until
from tests.system.documented import commands, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
PAGE = Path(__file__).parents[2] / "docs" / "tenants.md"


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Callable[[str], str]:
    """Runs one of the page's commands, by its name, where the page's reader stands."""
    (tmp_path / ".seamark").symlink_to(stack.data)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    found = commands(PAGE, stack)
    return lambda name: shell(found[name], folder=tmp_path, seconds=120)


def test_the_commands_of_the_document(run: Callable[[str], str], tmp_path: Path) -> None:
    told = dict(re.findall(r"^```text (\S+)\n(.*?)^```$", PAGE.read_text(), re.S | re.M))
    assert run("declare") == told["declare"]

    made = run("apply")
    assert made.endswith(told["apply-again"])
    keys = json.loads((tmp_path / "keys.json").read_text())
    assert set(keys) == {"acme/shop", "acme/kiosk", "umbra/site"}
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert not [key for key in keys.values() if key in made]

    assert run("send").split() == ["202"] * 3
    series = until(lambda: json.loads(run("ask"))["series"], lambda found: len(found) >= 2)
    assert sorted(one["labels"]["app"] for one in series) == ["kiosk", "shop"]

    [(count, status)] = re.findall(r"(\d+) (\d+)", run("rotate"))
    assert status == "202"
    assert int(count) >= 60
    assert json.loads((tmp_path / "rotated.json").read_text())["replaces"]

    assert run("change") == told["change"]
    *listed, last = run("team").splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["kiosk", "acme"], ["shop", "acme"]]
    assert last == "not theirs"
    assert "app.update" in run("audit")
    assert run("delete") == told["delete"]
