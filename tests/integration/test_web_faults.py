"""The web SDK in a real Chromium passes every case of the fault collector."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from faults.runner import Outcome, cases, play

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.sdk_log import delivered
from tests.support.servers import NatsServer
from tests.support.web_adapter import WebAdapter
from tests.support.web_browser import WebBrowser, build_sdk, web_browser
from tests.support.web_site import Site

CASES = {case["id"]: case for case in cases()}


@pytest.fixture(scope="module")
def browser() -> Iterator[WebBrowser]:
    build_sdk()
    with web_browser() as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(browser: WebBrowser, collector: CollectorProcess) -> dict[str, Outcome]:
    """Every case, several at a time: they wait more than they work."""

    def one(name: str) -> Outcome:
        context = browser.context()
        try:
            return play(
                CASES[name],
                start=lambda: WebAdapter(context, site.url),
                collector_port=collector.port,
                key=KEY,
                store="",
            )
        finally:
            context.close()

    with Site() as site, ThreadPoolExecutor(5) as pool:
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
