"""The Python SDK passes every case of the fault collector: each event arrives once."""

import sys
from typing import Any

import pytest
from faults.runner import Outcome, run

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.fault_cases import CASES, play_all
from tests.support.sdk_log import WRAPPERS, sdk_environment
from tests.support.servers import NatsServer


@pytest.fixture(scope="module")
def outcomes(
    collector: CollectorProcess, log: NatsServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Outcome, list[str]]]:
    folder = tmp_path_factory.mktemp("faults")

    def one(case: dict[str, Any]) -> Outcome:
        return run(
            case,
            command=[sys.executable, str(WRAPPERS / "python" / "fault_adapter.py")],
            environment=sdk_environment(),
            collector_port=collector.port,
            key=KEY,
            folder=folder / case["id"],
        )

    return play_all(log, one)


@pytest.mark.parametrize("name", CASES)
def test_every_event_arrives_once(
    name: str, outcomes: dict[str, tuple[Outcome, list[str]]]
) -> None:
    outcome, arrived = outcomes[name]
    assert outcome.problems(arrived) == []


def test_what_is_lost_or_doubled_is_found(
    outcomes: dict[str, tuple[Outcome, list[str]]],
) -> None:
    done, _ = outcomes["nothing-fails"]
    assert done.problems(done.tracked) == []
    assert done.problems(done.tracked[1:])
    assert done.problems([*done.tracked, done.tracked[0]])
