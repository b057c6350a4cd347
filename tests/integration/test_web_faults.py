"""The web SDK in a real Chromium passes every case of the fault collector."""

from typing import Any

import pytest
from faults.runner import Outcome, play

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.fault_cases import CASES, play_all
from tests.support.servers import NatsServer
from tests.support.web_adapter import WebAdapter
from tests.support.web_browser import WebBrowser
from tests.support.web_site import Site


@pytest.fixture(scope="module")
def outcomes(
    browser: WebBrowser, collector: CollectorProcess, log: NatsServer
) -> dict[str, tuple[Outcome, list[str]]]:
    def one(case: dict[str, Any]) -> Outcome:
        context = browser.context()
        try:
            return play(
                case,
                start=lambda: WebAdapter(context, site.url),
                collector_port=collector.port,
                key=KEY,
                store="",
            )
        finally:
            context.close()

    with Site() as site:
        return play_all(log, one)


@pytest.mark.parametrize("name", CASES)
def test_every_event_arrives_once(
    name: str, outcomes: dict[str, tuple[Outcome, list[str]]]
) -> None:
    outcome, arrived = outcomes[name]
    assert outcome.problems(arrived) == []
