"""The Python SDK passes every case of the fault collector: each event arrives once."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults.runner import Outcome, cases, run

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.sdk_log import WRAPPERS, delivered, sdk_environment
from tests.support.servers import NatsServer

CASES = {case["id"]: case for case in cases()}


@pytest.fixture(scope="module")
def outcomes(
    collector: CollectorProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """Every case, several at a time: they wait more than they work."""
    folder = tmp_path_factory.mktemp("faults")

    def one(name: str) -> Outcome:
        return run(
            CASES[name],
            command=[sys.executable, str(WRAPPERS / "python" / "fault_adapter.py")],
            environment=sdk_environment(),
            collector_port=collector.port,
            key=KEY,
            folder=folder / name,
        )

    with ThreadPoolExecutor(5) as pool:
        return dict(zip(CASES, pool.map(one, CASES), strict=True))


@pytest.fixture(scope="module")
def arrived(outcomes: dict[str, Outcome], log: NatsServer) -> list[str]:
    return [str(event["name"]) for event in delivered(log)]


@pytest.mark.parametrize("name", CASES)
def test_every_event_arrives_once(
    name: str, outcomes: dict[str, Outcome], arrived: list[str]
) -> None:
    own = [one for one in arrived if one.rpartition(".")[0] == name]
    assert outcomes[name].problems(own) == []


def test_what_is_lost_or_doubled_is_found(outcomes: dict[str, Outcome], tmp_path: Path) -> None:
    done = outcomes["nothing-fails"]
    assert done.problems(done.tracked) == []
    assert done.problems(done.tracked[1:])
    assert done.problems([*done.tracked, done.tracked[0]])
