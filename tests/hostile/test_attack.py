"""The short form of the attack on a stack of three tenants; `make attack` runs ten minutes."""

from pathlib import Path

import pytest

from tests.hostile.attack import attack

pytestmark = pytest.mark.integration


def test_two_tenants_lose_nothing_and_hardly_wait_while_a_third_attacks(tmp_path: Path) -> None:
    # a machine that runs all tests has few processors for attackers: seconds of waiting are seen
    outcome = attack(16.0, tmp_path, floor_seconds=2.5)
    assert outcome.faults() == []
