"""A process killed at every dangerous moment of one insert: the retry makes it whole, once, in
every table behind the input: rows, rollups, ledger, receipts, dead letters.

The moments are those before and after each write to a deduplication log and each rename of a part.
The engine writes the record before it renames the part, so half of them lose rows for good unless
`dedup_repair` runs before the next start. This holds the repair true for the engine we pin.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seamark.standalone.store.dedup_repair import repair
from tests.chaos.crash_child import COUNTED, PARTS
from tests.chaos.preload import built

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

POINTS = 4 * PARTS
WHOLE = list(COUNTED.values())
AFTER_FIRST_RECORD = 1
"""The record of the first part is written, the part not yet renamed: known to lose it."""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("crash_points.c")
    return built(source, tmp_path_factory.mktemp("shim"))


def child(*arguments: object, preload: Path | None = None) -> "subprocess.CompletedProcess[str]":
    environ = dict(os.environ)
    if preload is not None:
        environ["LD_PRELOAD"] = str(preload)
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos.crash_child", *map(str, arguments)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def copied(source: Path, target: Path) -> Path:
    """A copy of a data folder; databases are links in it."""
    return shutil.copytree(source, target, symlinks=True)


def retried(*folders: Path) -> list[dict[str, list[int]]]:
    """What each folder holds after the crash, after a retry, after another, and of batch 0."""
    done = child("retry", *folders)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, list[int]]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def crashed(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder for every point, left by a process that was killed there."""
    base = tmp_path_factory.mktemp("crashes")
    done = child("prepare", base / "before")
    assert done.returncode == 0, done.stderr
    whole = copied(base / "before", base / "whole")
    counted = child("insert", whole, -1, preload=shim)
    assert counted.returncode == 0, counted.stderr
    assert int(counted.stdout) == POINTS, "the engine writes in another order: look again"
    folders = []
    for point in range(POINTS):
        folder = copied(base / "before", base / f"point{point}")
        done = child("insert", folder, point, preload=shim)
        assert done.returncode == -signal.SIGKILL, (point, done.stdout, done.stderr)
        folders.append(folder)
    return folders


def test_every_crash_heals_by_retry_after_the_repair(crashed: list[Path], tmp_path: Path) -> None:
    folders = [copied(path, tmp_path / path.name) for path in crashed]
    repaired = [repair(folder / "engine") for folder in folders]

    results = retried(*folders)

    assert [result["retried"] for result in results] == [WHOLE] * POINTS
    assert [result["again"] for result in results] == [WHOLE] * POINTS
    assert [result["untouched"] for result in results] == [WHOLE] * POINTS
    dangling = [sum(len(log.dangling) for log in logs) for logs in repaired]
    assert dangling[AFTER_FIRST_RECORD] == 1
    assert dangling[0] == 0
    assert 0 < sum(dangling) <= POINTS, "each crash leaves at most one record without a part"


def test_without_the_repair_a_crash_loses_rows(crashed: list[Path], tmp_path: Path) -> None:
    folder = copied(crashed[AFTER_FIRST_RECORD], tmp_path / "data")

    [result] = retried(folder)

    assert any(found < whole for found, whole in zip(result["retried"], WHOLE, strict=True))
    assert result["again"] == result["retried"]


def test_repairing_twice_changes_nothing_more(crashed: list[Path], tmp_path: Path) -> None:
    folder = copied(crashed[AFTER_FIRST_RECORD], tmp_path / "data")

    assert len(repair(folder / "engine")) == 1
    assert repair(folder / "engine") == []
