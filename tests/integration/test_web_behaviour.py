"""The web SDK at its defaults, in a real Chromium: every event is at the collector once.

The short form: each column once. `make web-behaviour` runs all of them 20 times.
"""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.behaviour.columns import COLUMNS, SHORT, Situation, problem
from tests.support.collector_process import KEY, CollectorProcess
from tests.support.sdk_log import delivered
from tests.support.servers import NatsServer
from tests.support.until import until
from tests.support.web_browser import WebBrowser
from tests.support.web_site import Site


@pytest.fixture(scope="module")
def situations(browser: WebBrowser, collector: CollectorProcess) -> dict[str, Situation]:
    """Every column, several at a time: they wait more than they work."""

    def one(name: str) -> Situation:
        situation = Situation(name, browser.context(), site.url, collector.port, KEY)
        return situation.play(COLUMNS[name])

    with Site() as site, ThreadPoolExecutor(6) as pool:
        return dict(zip(SHORT, pool.map(one, SHORT), strict=True))


@pytest.fixture(scope="module")
def events(situations: dict[str, Situation], log: NatsServer) -> list[Mapping[str, Any]]:
    wanted = {name for situation in situations.values() for name in situation.tracked}
    try:
        return until(
            lambda: delivered(log),
            lambda found: wanted <= {event["name"] for event in found},
            seconds=20,
            every=0.5,
        )
    except AssertionError:  # the test of the column says what is missing
        return delivered(log)


@pytest.fixture(scope="module")
def arrived(events: list[Mapping[str, Any]]) -> Counter[str]:
    return Counter(str(event["name"]) for event in events)


@pytest.mark.parametrize("name", SHORT)
def test_every_event_arrives_once(
    name: str, situations: dict[str, Situation], arrived: Counter[str]
) -> None:
    if situations[name].absent:
        pytest.skip(situations[name].absent)
    assert situations[name].tracked
    assert problem(situations[name], arrived) == ""


def test_no_event_of_any_kind_is_there_twice(events: list[Mapping[str, Any]]) -> None:
    ids = Counter(event["id"] for event in events)
    assert {event["name"] for event in events} >= {"session.start", "page_view"}
    assert [event["name"] for event in events if ids[event["id"]] > 1] == []


def test_what_is_lost_or_doubled_is_found(situations: dict[str, Situation]) -> None:
    situation = situations["consent-refused"]
    good = Counter(situation.tracked)
    assert problem(situation, good) == ""
    assert problem(situation, good - Counter(situation.tracked[:1]))
    assert problem(situation, good + Counter(situation.tracked[:1]))
    assert problem(situation, good + Counter(situation.unwanted[:1]))
