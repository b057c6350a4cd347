"""The demo against a whole stack: what it was told is accepted is what the stack then counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.played_demo import play
from tests.system.stack import Stack

pytestmark = pytest.mark.system


def demo(stack: Stack, summary: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run `seamark demo` with a credentials file; its summary and what it printed."""
    ran = play(stack, "--summary", str(summary), "--check", *arguments)
    assert ran.stderr == ""
    found: dict[str, Any] = json.loads(summary.read_text())
    return found, ran.stdout


def test_every_number_is_exact(stack: Stack, tmp_path: Path) -> None:
    found, printed = demo(stack, tmp_path / "s.json", "--sessions", "80", "--seed", "11")
    assert found["check"]["different"] == 0
    assert found["check"]["compared"] > 25
    assert "DIFFERS" not in printed
    events = found["events"]
    assert events["accepted"] == events["offered"] > 1_000
    assert not any(events[kind] for kind in ("rejected", "refused", "unknown"))
    assert set(found["otlp"]) == {"spans", "logs", "points"}
    assert set(found["otlp"]["spans"]) == {"gateway", "catalog", "checkout"}
    assert found["otlpFailed"] == {}


def test_the_same_seed_sends_the_same_again_and_is_counted_again(
    stack: Stack, tmp_path: Path
) -> None:
    one, _ = demo(stack, tmp_path / "1.json", "--sessions", "20", "--seed", "12")
    two, _ = demo(stack, tmp_path / "2.json", "--sessions", "20", "--seed", "12")
    for part in ("byName", "byCountry", "byRelease"):
        assert one[part] == two[part]
    assert one["otlp"]["spans"] == two["otlp"]["spans"]
    assert one["run"] != two["run"]


def test_history_lands_in_its_hours(stack: Stack, tmp_path: Path) -> None:
    found, _ = demo(stack, tmp_path / "s.json", "--sessions", "60", "--backfill", "160")
    assert found["check"]["different"] == 0
    assert found["to"] - found["from"] > 160 * 3_600_000
