"""The short form of three tenants, one of which sends twenty times its limit; `make limits` has
two minutes of each phase."""

from pathlib import Path

import pytest

from tests.hostile.limits import run

pytestmark = pytest.mark.integration


def test_who_sends_twenty_times_its_limit_gets_it_and_others_notice_nothing(tmp_path: Path) -> None:
    # the counts are judged here; waits only beyond 2.5 s, since other tests share the machine
    assert run(8.0, tmp_path, floor_seconds=2.5).faults == []
