"""A page with the web SDK, and what the collector got of it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.support.collector_process import KEY
from tests.support.sdk_log import delivered
from tests.support.servers import NatsServer
from tests.support.until import until
from tests.support.web_browser import Tab, WebBrowser
from tests.support.web_site import Site

HEAD: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
)


class Shop:
    """Pages of the site with the SDK; each test's events have a release of their own."""

    def __init__(self, browser: WebBrowser, site: Site, port: int, log: NatsServer) -> None:
        self._browser, self._site, self._port, self._log = browser, site, port, log

    def open(self, path: str, release: str, *, entry: str = "index", **options: object) -> Tab:
        told = {
            "key": KEY,
            "endpoint": f"http://127.0.0.1:{self._port}",
            "release": release,
            "batch": {"intervalMs": 200},
            **options,
        }
        tab = self._browser.context().tab(f"{self._site.url}{path}")
        tab.run(
            f"import('/dist/{entry}.js').then(({{init}}) => {{"
            f" globalThis.seamark = init({json.dumps(told)}) }})"
        )
        return tab

    def events(self, release: str, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The events of a name, once there are so many."""
        return until(
            lambda: [
                dict(event)
                for event in delivered(self._log)
                if event["name"] == name and attributes(event).get("service.version") == release
            ],
            lambda found: len(found) >= count,
            seconds=20,
        )


def attributes(event: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = event.get("attrs", {})
    return found
