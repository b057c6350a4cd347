"""Every example of docs/sdk/web.md runs in a real Chromium, and its events arrive once."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.sdk_log import ROOT, delivered
from tests.support.servers import NatsServer
from tests.support.until import until
from tests.support.web_browser import WebBrowser
from tests.support.web_site import Site

PAGE = ROOT / "docs" / "sdk" / "web.md"
BLOCKS = dict(re.findall(r"^```js (\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S))
FOUND = {
    "first": {"purchase": 1},
    "calls": {"feature_click": 1, "report.rows": 1, "exception": 1},
    "privacy": {"purchase": 1},
}
"""Events of each example, by name."""


def test_every_example_is_run() -> None:
    assert BLOCKS.keys() == FOUND.keys()
    assert len(re.findall(r"^```(?:js|html)", PAGE.read_text(), re.M)) == len(BLOCKS)


@pytest.mark.parametrize("name", FOUND)
def test_an_example_delivers_its_events_once(
    name: str, browser: WebBrowser, collector: CollectorProcess, log: NatsServer
) -> None:
    code = BLOCKS[name].replace("'@seamark/web'", "'/dist/index.js'")
    code = code.replace("smk_…", KEY).replace(
        "https://ingest.example", f"http://127.0.0.1:{collector.port}"
    )
    code = f"{code}\nglobalThis.flushed = await seamark.flush();"
    page = f'<!doctype html><link rel="icon" href="data:,"><script type="module">{code}</script>'
    with Site({f"/{name}": page}) as site:
        tab = browser.context().tab(f"{site.url}/{name}")
        tab.until("flushed")
        assert tab.complaints == []
        events = until(
            lambda: [event for event in delivered(log) if page_of(event) == f"/{name}"],
            lambda found: FOUND[name].keys() <= {event["name"] for event in found},
            seconds=20,
        )
    names = Counter(str(event["name"]) for event in events)
    assert {one: names[one] for one in FOUND[name]} == FOUND[name]
    assert "internal" not in names
    assert "call Ann" not in json.dumps(events)


def page_of(event: Mapping[str, Any]) -> object:
    return event.get("attrs", {}).get("page")
