"""Verify, rebuild and replay against a whole stack: what comes back is what was there."""

import json
import math
import subprocess

import pytest

from tests.support.until import until
from tests.system.recovery_load import Sender, Totals, ask, totals, wait_for_rows
from tests.system.stack import Stack, run

pytestmark = [pytest.mark.system, pytest.mark.slow]
SETTINGS = {"SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "0.5"}
ROLLUPS = ("events_1m", "events_1h", "events_1d", "visits_15m")
HOT = ("events", "errors", *ROLLUPS, "ledger", "receipts")


def same(left: Totals, right: Totals) -> bool:
    """Equal, sums of floats within 1e-12 of each other: their order may be another."""
    return left.keys() == right.keys() and all(
        len(left[key]) == len(right[key])
        and all(
            a == b or _close(a, b)
            for one, other in zip(left[key], right[key], strict=True)
            for a, b in zip(one, other, strict=True)
        )
        for key in left
    )


def _close(a: str, b: str) -> bool:
    try:
        return math.isclose(float(a), float(b), rel_tol=1e-12)
    except ValueError:
        return False


def test_verify_rebuild_and_replay(tmp_path_factory: pytest.TempPathFactory) -> None:
    stack = Stack(tmp_path_factory.mktemp("replay") / "data", environment=SETTINGS)
    data = ("--data", str(stack.data))
    with stack:
        sender = Sender(stack)
        sender.send(20)
        wait_for_rows(stack, sender.accepted)
        wait_for_archive(stack, sender.accepted)
        checked = run("verify", *data, "--from", "1h", "--to", "now", "--deep", timeout=120)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        before = totals(stack)

        rebuilt = run("replay", *data, "--rebuild", "--drop", timeout=300)
        assert rebuilt.returncode == 0, rebuilt.stderr
        wait_for_rows(stack, sender.accepted)
        assert same(totals(stack), before), (totals(stack), before)
        checked = run("verify", *data, "--from", "1h", "--to", "now", "--deep", timeout=120)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        refused = run("replay", *data, "--rebuild")
        assert refused.returncode == 2
        assert "--drop" in refused.stderr
        sender.send(5)  # the stack goes on as if nothing had been
        wait_for_rows(stack, sender.accepted)
        wait_for_archive(stack, sender.accepted)
        before = totals(stack)

        for source in ("log", "archive"):
            nothing = replay(stack, source)
            assert ", 0 were missing" in nothing.stdout, nothing.stdout + nothing.stderr
            for table in HOT:
                ask(stack, f"TRUNCATE TABLE seamark.{table}")
            again = replay(stack, source)
            assert again.returncode == 0, again.stdout + again.stderr
            assert same(totals(stack), before), (again.stdout, totals(stack), before)
            assert ", 0 were missing" in replay(stack, source).stdout

        ask(stack, "ALTER TABLE seamark.events DELETE WHERE value = 1.25 SETTINGS mutations_sync=2")
        ask(stack, "TRUNCATE TABLE seamark.errors")
        differs = run("verify", *data, "--from", "1h", "--to", "now", "--json", timeout=60)
        assert differs.returncode == 1
        found = json.loads(differs.stdout)
        named = {one["what"].split(" ≠ ")[0] for one in found["differences"]}
        assert named >= {"raw rows", "errors", *ROLLUPS}
        partly = replay(stack, "archive")
        assert partly.returncode == 1
        assert "left as it is: events demo" in partly.stdout


def replay(stack: Stack, source: str) -> subprocess.CompletedProcess[str]:
    return run(
        "replay",
        *("--data", str(stack.data), "--from", "1h", "--source", source, "--into", "live"),
        timeout=120,
    )


def wait_for_archive(stack: Stack, count: int) -> None:
    archived = "SELECT sum(archived) FROM seamark.ledger"
    until(lambda: ask(stack, archived), lambda found: int(found[0][0]) == count)
