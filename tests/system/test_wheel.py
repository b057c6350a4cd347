"""The wheel in an environment of its own: one command starts the stack, an event is counted."""

import json
import subprocess
import sys
import urllib.request
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.until import until
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


def pip(python: Path, *arguments: object) -> None:
    done = subprocess.run(
        [python, "-m", "pip", *map(str, arguments)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def post(url: str, body: dict[str, Any], **headers: str) -> Any:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `seamark` command of a new environment that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(
        Path(sys.executable), "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", folder, ROOT,
    )  # fmt: skip
    [wheel] = folder.glob("seamark-*.whl")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    locked = subprocess.run(
        [sys.executable, ROOT / "provisioning" / "compose" / "locked.py", "seamark"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (folder / "locked.txt").write_text(locked.stdout)
    pip(
        python, "install", "--quiet", "--no-compile", "--no-deps", "--require-hashes",
        "-r", folder / "locked.txt",
    )  # fmt: skip
    pip(python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    pip(python, "check")
    return folder / "env" / "bin" / "seamark"


def test_the_wheel_is_all_that_is_needed(installed: Path, tmp_path: Path) -> None:
    said = subprocess.run([installed, "--version"], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == version("seamark")
    with Stack(tmp_path / "data", seamark=(str(installed),)) as stack:
        key, token = stack.credentials["ingest_key"], stack.credentials["query_token"]
        batch = {"batchId": "wheel-1", "events": [{"name": "installed", "ts": 0}]}
        taken = post(f"{stack.urls.ingest}/v1/ingest/batch", batch, **{"X-API-Key": key})
        assert taken["accepted"] == 1
        question = {"metric": "installed", "from": "now-1h"}
        series = until(
            lambda: post(
                f"{stack.urls.api}/v1/query/timeseries", question, Authorization=f"Bearer {token}"
            )["series"]
        )
        assert sum(row[1] for row in series[0]["rows"]) == 1
        code, _ = stack.stop()
    assert code == 0
