"""The cases of the fault collector, as every SDK's suite runs them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from faults.runner import Outcome, cases

from tests.support.sdk_log import delivered
from tests.support.servers import NatsServer

CASES: Final = {case["id"]: case for case in cases()}


def play_all(
    log: NatsServer, one: Callable[[dict[str, Any]], Outcome]
) -> dict[str, tuple[Outcome, list[str]]]:
    """Every case with the names of its events in the log; several at a time, because they wait
    more than they work."""
    with ThreadPoolExecutor(5) as pool:
        outcomes = dict(zip(CASES, pool.map(one, CASES.values()), strict=True))
    arrived = [str(event["name"]) for event in delivered(log)]
    return {
        name: (outcome, [event for event in arrived if event.rpartition(".")[0] == name])
        for name, outcome in outcomes.items()
    }
