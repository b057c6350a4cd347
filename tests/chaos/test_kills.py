"""The short form of `make chaos`: a few SIGKILLs under load, then every count compared."""

from pathlib import Path

import pytest

from tests.chaos.kills import run
from tests.system.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.slow]


async def test_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    report = await run(stack, rounds=8, seed=11)
    assert report.accepted > 1_000, report.lines()
    assert report.differences == [], report.lines()
