"""The short form of the fuzzer, which `make fuzz` runs with a million bodies."""

from pathlib import Path

import pytest

from tests.hostile.fuzz import fuzz
from tests.hostile.fuzz_bodies import case_of

pytestmark = pytest.mark.integration


def test_random_requests_of_every_kind_are_answered_and_accounted_for(tmp_path: Path) -> None:
    found = fuzz(seed=1, bodies=4_000, folder=tmp_path)
    assert found.faults == []


def test_a_request_is_made_again_from_its_seed_and_number() -> None:
    first, second = (
        [case_of(7, number, now_ns=1_796_000_000_000_000_000) for number in range(200)]
        for _ in range(2)
    )
    assert first == second
    assert len({case.path or case.method for case in first}) == 10
